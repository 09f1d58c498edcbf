"""How long each step of a payment may take: one table, in the order in which a payment happens.

The times depend on each other: nobody may give a payment up while somebody else may still be working on it.
``tests/domain/test_payment_times.py`` checks that they fit together, and fit what a call to the provider may take.
"""

from __future__ import annotations

from datetime import timedelta

CONFIRM_WITHIN = timedelta(minutes=10)
"""A question expires after this, unless the operator has set another time: an old button must not move money."""

SHOW_WITHIN = timedelta(seconds=30)
"""Each step waits this long for the messenger: a slow chat must not hold up a payment."""

ABANDONED_AFTER = timedelta(minutes=2)
"""A payment that is confirmed but not sent after this belongs to a process that died.

Longer than a living process needs to show the step, wait for its turn with the provider and read the invoice.
"""

LEAVE_WITHIN = timedelta(minutes=1)
"""A request leaves within this time after it was noted as sent, or not at all.

A process may be frozen in between. When it wakes up, another process may have given the payment up, and the person may
have paid again. So this and the request itself must end well within :data:`RECONCILE_FOR`.
"""

RECONCILE_FOR = timedelta(minutes=10)
"""A payment that was sent is read for this long; if the invoice still says nothing, its end is unclear.

Long enough for a slow provider, short enough for a person who waits and must not pay again until then.
"""

FIRST_LOOK_AFTER = timedelta(seconds=5)
"""The first look comes this soon after the last step: most ends are known by then, and the person is still watching."""

LOOK_AT_LEAST_EVERY = timedelta(minutes=1)
"""Later looks come this often at least. The store is also read this often at least, for what other processes left."""

PERSON_WATCHES_FOR = timedelta(seconds=30)
"""A person watches the message this long after the press; a later end is told with a message that rings."""

NOTE_TOLD_WITHIN = timedelta(seconds=30)
"""Reading an end and noting it as told take at most this; together with showing it, this is the lease for telling."""

TELL_FOR = timedelta(days=1)
"""An end that can't be shown is tried for this long: a chat may come back, but a broken message stays broken."""


def look_again_after(age: timedelta) -> timedelta:
    """Return when to look again at a payment whose last step is this old.

    It is half of that age, so the first looks come soon and the later ones rarely.
    """
    return min(max(age / 2, FIRST_LOOK_AFTER), LOOK_AT_LEAST_EVERY)
