"""When an account is worth a look although nothing changes at the provider. This is the one place that knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain.alerts import KnownInvoice
from bot.domain.board import next_mark
from bot.domain.chats import Chat, Link, Watch
from bot.domain.credit import CLOSELY, watches_closely
from bot.domain.packs.calendar import next_pack
from bot.domain.reminders import next_look
from bot.domain.schedule import CheckPlan

LOOK_FOR_UNASKED_AFTER = timedelta(minutes=5)
"""Then that check comes at the latest: until an invoice was asked for, nothing can be said of it."""


def something_to_tell_at(
    chat: Chat,
    link: Link,
    known: Mapping[int, KnownInvoice],
    watch: Watch,
    plan: CheckPlan,
    now: datetime,
    *,
    unasked: bool,
) -> datetime | None:
    """Return when there will be something to tell, so that a check must not come later. None: never.

    ``unasked``: invoices are still to be asked for singly.
    """
    schedule = plan.schedule(chat)
    looks = [
        next_pack(schedule, now),
        next_look(known, chat.silences, schedule, now),
        schedule.next_week(now) if watch.digest_told else None,
        plan.asks_again_at(watch),
        now + CLOSELY if watches_closely(link.credit_wishes, now) else None,
        now + LOOK_FOR_UNASKED_AFTER if unasked else None,
    ]
    return min((at for at in looks if at is not None and at > now), default=None)


def something_to_note_at(chat: Chat, look: datetime | None, plan: CheckPlan, now: datetime) -> datetime:
    """Return when a check may find something to note, although it needs not come just then.

    That is once there is something to tell (``look``), or the pinned message would say something else, and from time to
    time in any case: the check that is made in full then bounds what may have been missed.
    """
    schedule = plan.schedule(chat)
    mark = next_mark(schedule, now) if schedule.preferences.pinned else None
    return min(at for at in (look, mark, plan.full_check(chat.key, now)) if at is not None)
