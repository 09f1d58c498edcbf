"""The message that stays: pinned in a chat, and edited in place once what it says has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from bot.domain.alerts import KnownInvoice
from bot.domain.chats import Chat
from bot.domain.schedule import Schedule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CHECK_SHOWN_EVERY = timedelta(hours=3)
"""A later check alone changes the message so often: many chats have one, and Telegram counts the edits of all."""


def owed(known: Iterable[KnownInvoice]) -> list[KnownInvoice]:
    """Return the invoices to be paid, the soonest due first."""
    return sorted((k for k in known if k.may_be_owed), key=lambda k: (k.due is None, k.due, k.id))


def state_of(chat: Chat, known: Iterable[KnownInvoice], schedule: Schedule, now: datetime) -> str:
    """Return a mark that differs once the message says something else. Empty: the chat shall have none."""
    link = chat.link
    if link is None or not schedule.preferences.pinned:
        return ""
    facts = [(k.id, k.due, k.left, k.total, k.types) for k in owed(known)]
    days = [now.astimezone(zone).date() for zone in (schedule.zone, schedule.provider_zone)]
    watch, credit = link.watch, link.credit.credit
    checked = watch.checked_at.timestamp() // CHECK_SHOWN_EVERY.total_seconds()
    whole = (facts, days, credit, checked, watch.trouble, chat.reply_language, schedule.preferences.zone)
    return hashlib.blake2s(repr(whole).encode(), digest_size=8).hexdigest()


def next_mark(schedule: Schedule, now: datetime) -> datetime:
    """Return when the message says something else although nothing has changed: on a new day, or by a later check."""
    later = now + CHECK_SHOWN_EVERY - (now - EPOCH) % CHECK_SHOWN_EVERY
    zones = (schedule.zone, schedule.provider_zone)
    midnights = (datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone) for zone in zones)
    return min(later, *(midnight.astimezone(UTC) for midnight in midnights))
