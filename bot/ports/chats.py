"""What is stored of chats and their links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.chats import Chat, Link, Member, Silence, Token
from bot.domain.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of a chat wait, and how many were set aside."""

    waiting: int
    set_aside: int


class ChatStore(Protocol):
    """Chats and their links. Every method is one transaction."""

    async def chat(self, chat_id: int) -> Chat:
        """The chat, or an empty one where nothing is stored."""

    async def set_language(self, chat_id: int, language: str | None) -> None: ...

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        """Remember the language that Telegram reports; nothing is stored for a chat that isn't stored yet."""

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        """Open (or with None close) the time in which the next message is taken as the token.

        It is for this chat itself, or for the group of an invitation, given by its id.
        """

    def account_of(self, base_url: str, token: Token) -> str:
        """The keyed fingerprint by which an account is known."""

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        """Choose, or with None go by the operator's defaults again. The next check is due ``now``."""

    async def silence(self, chat_id: int, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        """Put reminders of these invoices off or (None) let them come again; False: the link is another by now.

        The next check is due when the first of these silences ends, ``now`` where one was lifted.
        """

    async def known_invoices(self, chat_id: int) -> Mapping[int, KnownInvoice]:
        """What a linked chat knows, as its last check left it."""

    async def sent_messages(self, chat_id: int) -> Sequence[SentMessage]:
        """The chat's messages about invoices that are not settled yet, the oldest first."""

    async def link(self, link: Link, known: Mapping[int, KnownInvoice], invitation_id: str | None = None) -> bool:
        """Link the chat and take ``known`` as told; an older link goes with its knowledge, silences and alerts.

        Where it had the same owner, its payers stay. The chat's payments with other accounts go, too. Raises
        :class:`bot.errors.LinkInUse` while one of those is under way; nothing was changed then.

        With an invitation that is used up in the same transaction. False, and nothing was changed, where that is gone,
        or where the chat's link is not the one any more that the invitation replaces.
        """

    async def add_payer(self, chat_id: int, payer: Member) -> None:
        """Let somebody pay with the chat's link; nothing happens without one. A newer name replaces the older."""

    async def remove_payer(self, chat_id: int, user_id: int) -> None:
        """Take that back."""

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        """All that is stored of a chat, in JSON's types; of the token nothing, not even sealed."""

    async def unlink(self, chat_id: int) -> bool:
        """Forget the chat and all that belongs to it; False if it was not linked."""

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Give all that belongs to a chat its new id. Earlier messages have other numbers there, which nobody knows.

        Where the new id is linked already, that link stays and the old one goes; payments move in any case.
        """

    async def rest(self, chat_id: int, reason: str) -> None:
        """Stop checks and alerts of a chat that can't be written to; its data stay."""

    async def wake(self, chat_id: int, now: datetime) -> bool:
        """End the rest; True if it was resting. Its next check is due ``now``; alerts wait a little for its outcome."""

    async def waiting_alerts(self, chat_id: int) -> Waiting: ...
