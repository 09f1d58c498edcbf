"""The alerts on their way out, and the messages that went."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.alerts import Alert, KnownInvoice, SentMessage
from bot.domain.chats import Chat
from bot.ports.checks import Claim

AT_ONCE = 12
"""How many alerts go into one message: as many as surely fit, in any language."""

MESSAGES_KEPT = 30
"""How many messages of a chat are remembered, to be edited once their invoices are settled."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be sent now as one message: ``alerts``, the oldest first, of one chat and account.

    ``known`` is everything the account's chat knows at this moment, ``sent`` its earlier messages about open invoices,
    the oldest first. ``paid_here`` are those invoices of ``alerts`` whose payment was begun in this chat. ``again``
    says that an earlier try may have reached the person.
    """

    claim: Claim
    chat: Chat
    alerts: tuple[Alert, ...]
    known: Mapping[int, KnownInvoice]
    sent: Sequence[SentMessage]
    paid_here: frozenset[int]
    again: bool


class Outbox(Protocol):
    """The alerts on their way out. Within a chat strictly one message after the other; chats are independent."""

    async def claim_alerts(self, now: datetime, limit: int, lease: timedelta) -> Sequence[Delivery]:
        """The next message of up to ``limit`` chats, marked as being sent.

        It holds the oldest undelivered alert and those behind it that can go with it, up to :data:`AT_ONCE`. Alerts
        that a crash left as being sent, whose lease ran out, or whose end was uncertain come ``again``: together as
        they were, and with no others. One that was refused comes alone.
        """

    async def alerts_sent(self, claim: Claim, message: SentMessage | None, resolved: Collection[int]) -> bool:
        """The alerts went out, as ``message``, or (None) have no point any more: they leave the outbox.

        Earlier messages were edited to say that the invoices ``resolved`` are settled; those in which nothing is open
        any more are forgotten, and so are the oldest beyond :data:`MESSAGES_KEPT` of which newer ones say the same.
        """

    async def message_edited(self, claim: Claim, message_id: int, resolved: Collection[int]) -> bool:
        """An earlier message was edited to say that these invoices are settled; False: the claim was lost."""

    async def alerts_failed(self, claim: Claim, retry_at: datetime, *, uncertain: bool, counts: bool) -> bool:
        """Try again at ``retry_at``; ``counts`` adds to their attempts (a flood limit does not).

        One that surely was not delivered gives way to a newer one about the same that was found meanwhile.
        """

    async def hold_alerts(self, claim: Claim, until: datetime) -> bool:
        """Not sent, as the chat is quiet until then.

        They are given out sooner once a check finds something settled, since edits ring nowhere, or the chat chooses
        other preferences.
        """

    async def move_to_dead_letters(self, claim: Claim) -> bool:
        """Stop trying; they stay to be seen, and no longer hold up the next."""
