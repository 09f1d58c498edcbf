"""How long each step of a payment may take, in their order.

Nobody may give a payment up while somebody else may still be working on it. ``tests/domain/test_payment_times.py``
checks that these times fit together, and fit what a call to the provider may take.
"""

from __future__ import annotations

from datetime import timedelta

CONFIRM_WITHIN = timedelta(minutes=10)
"""A question expires after this (the operator may choose another time): an old button must not move money."""
SHOW_WITHIN = timedelta(seconds=30)
"""Each step waits this long for the messenger: a slow chat must not hold up a payment."""
ABANDONED_AFTER = timedelta(minutes=2)
"""A payment that is confirmed but not sent after this belongs to a process that died. A living one needs less: to show
the step, wait for its turn with the provider and read the invoice."""
LEAVE_WITHIN = timedelta(minutes=1)
"""The request leaves this soon after it was noted as sent, or not at all: while a process was frozen, another may have
given the payment up, and the person may have paid again. So this must be well below :data:`RECONCILE_FOR`."""
RECONCILE_FOR = timedelta(minutes=10)
"""A sent payment is looked at for this long, then its end is unclear: until then, the person must not pay again."""
FIRST_LOOK_AFTER = timedelta(seconds=5)
"""The first look comes this soon after the last step: most ends are known by then, and the person still watches."""
LOOK_AT_LEAST_EVERY = timedelta(minutes=1)
"""The longest time between later looks, and between readings of the store, which show what other processes left."""
PERSON_WATCHES_FOR = timedelta(seconds=30)
"""A person watches the message this long after the press; a later end is told with a message that rings."""
NOTE_TOLD_WITHIN = timedelta(seconds=30)
"""Reading an end and noting it as told take less; with SHOW_WITHIN it is the lease under which one process tells."""
TELL_FOR = timedelta(days=1)
"""An end that can't be shown is tried for this long: an outage passes, but a refused message is refused forever."""
KEEP_QUESTION_FOR = timedelta(days=1)
"""An unanswered question is kept this long after it has expired, so that a late press gets a fitting answer."""


def look_again_after(age: timedelta) -> timedelta:
    """Return when to look again: after half the age of the last step, so looks come soon at first and rarely later."""
    return min(max(age / 2, FIRST_LOOK_AFTER), LOOK_AT_LEAST_EVERY)
