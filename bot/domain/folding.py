"""One message for each open invoice: what a newer message says of it takes the place of what older ones say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from bot.domain.alerts import SentMessage

DELETABLE_FOR = timedelta(hours=47)
"""Telegram deletes no message that is older than 48 hours."""


def superseded(messages: Sequence[SentMessage]) -> list[tuple[SentMessage, frozenset[int]]]:
    """Return the messages that can be edited, each with those of its open invoices that a newer message shows, too.

    ``messages``: the oldest first. One that tells something else as well stays as it is, since that would be lost.
    """
    found = []
    newer = frozenset[int]()
    for message in reversed(messages):
        if message.message_id is None:
            continue
        if message.tells_only_shown and message.shows & newer:
            found.append((message, message.shows & newer))
        newer |= message.shows
    return found[::-1]


def may_be_deleted(message: SentMessage, folded: Collection[int], now: datetime) -> bool:
    """Return whether a message holds nothing but invoices that newer ones show, and is young enough."""
    is_young = now - message.sent_at < DELETABLE_FOR
    return is_young and all(shown.folded or shown.invoice_id in folded for shown in message.shown)
