"""Chats, their links, and what was set or noted there, as the services need them stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.alerts import KnownInvoice, SentMessage
from bot.domain.answers import Awaited
from bot.domain.chat_keys import ChatKey
from bot.domain.chats import Chat, Link, Member, Preferences, Silence, Token
from bot.domain.credit import CreditWatch
from bot.domain.documents import SentDocument
from bot.domain.due_calendar import DueCalendar
from bot.domain.live_messages import LiveMessage
from bot.domain.service_names import Service
from bot.domain.token_offers import OfferedToken


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many alerts of a chat wait, and how many are dead letters: those are no longer tried."""

    waiting: int
    set_aside: int


class ChatStore(Protocol):
    """Chats and their links. Every method is one transaction.

    Methods that take a ``chat_id`` are about a chat with all its accounts. Those that take a ``key`` are about one of
    its accounts (``Chat.key``).

    A chat that has moved to a new id can still be named by its old one. Only :meth:`rest` and :meth:`wake` are about
    exactly this id: that nobody can write under the old one means nothing for the new one.
    """

    async def chat(self, key: int) -> Chat:
        """Return the chat with this account. If nothing is stored of it, return an empty one.

        After a move it has its new id.

        Raise :class:`bot.errors.ChatUnreadable` if its record is damaged, or its token does not open.
        """

    async def accounts(self, chat_id: int) -> Sequence[Chat]:
        """Return the chat once for each of its accounts. If it has none, return it alone.

        Accounts that can't be read are left out and counted (``Chat.unreadable_beside``). Raise
        :class:`bot.errors.ChatUnreadable` if no other is left.
        """

    async def linked_among(self, chat_ids: Collection[int]) -> set[int]:
        """Return those of these chats that are linked."""

    async def set_language(self, chat_id: int, language: str | None) -> None: ...

    async def note_telegram_language(self, chat_id: int, language: str) -> None:
        """Remember the language that Telegram reports. Do nothing if the chat is not stored yet."""

    async def await_token(self, chat_id: int, until: datetime | None, invitation: str = "") -> None:
        """Take the chat's next message ``until`` then as the token. None: stop waiting for any answer.

        The token is for this chat itself, or for the group of an invitation. ``invitation`` is that invitation's id.
        """

    async def await_answer(self, key: ChatKey, account: str, awaited: Awaited) -> bool:
        """Take the chat's next message for this answer, and for no other. Return False if it has another link now."""

    async def name_service(self, key: ChatKey, account: str, service: Service, name: str) -> bool:
        """Remember what a service is called, and stop waiting for that. Empty: it has no name.

        Return False if the chat has another link now.
        """

    async def set_reference(self, key: ChatKey, account: str, reference: str) -> bool:
        """Remember the reference of bank transfers, and stop waiting for it. Empty: they need none.

        Return False if the chat has another link now.
        """

    async def name_account(self, key: ChatKey, account: str, name: str) -> bool:
        """Remember what the person calls an account. Return False if there is another link now."""

    async def set_calendar(self, key: ChatKey, account: str, old: DueCalendar | None, new: DueCalendar | None) -> bool:
        """Put ``new`` in the place of the account's calendar.

        Return False if ``old`` has changed meanwhile, or the chat has another link now.
        """

    def sign(self, text: str) -> str:
        """Return a text's keyed fingerprint: 64 hexadecimal digits that nobody else can make."""

    def account_of(self, base_url: str, token: Token) -> str:
        """Return the account's keyed fingerprint. It identifies the account everywhere."""

    def seal_offer(self, offer: OfferedToken, token: Token) -> OfferedToken:
        """Return the offer with its token sealed, as it may be kept."""

    def token_of(self, offer: OfferedToken) -> Token | None:
        """Return the token of an offer. None: its key is gone."""

    async def set_preferences(self, chat_id: int, preferences: Preferences | None, now: datetime) -> None:
        """Set preferences. None: use the operator's defaults. The next check is due ``now``."""

    async def silence(self, key: ChatKey, account: str, silences: Mapping[int, Silence | None], now: datetime) -> bool:
        """Snooze or mute reminders of these invoices. None ends a silence.

        Return False if the chat has another link now. The next check is due when the first of these silences ends, or
        ``now`` if one was ended.
        """

    async def note_credit(self, key: ChatKey, account: str, credit: CreditWatch) -> None:
        """Remember what was read of the account's credit. Do nothing if the chat has another link now."""

    async def wish_for_credit(self, key: ChatKey, account: str, invoice_id: int, now: datetime) -> bool:
        """Remember that somebody wants to hear when the credit suffices for an invoice. The next check is due soon.

        Return False if the chat has another link now.
        """

    async def set_live_message(self, key: ChatKey, old: LiveMessage | None, new: LiveMessage | None) -> bool:
        """Put ``new`` in the place of ``old`` among a linked chat's live messages.

        :func:`bot.domain.live_messages.with_message` says how. Return False if ``old`` has changed meanwhile.
        """

    async def keep_document(self, key: ChatKey, account: str, document: SentDocument) -> None:
        """Remember how a PDF can be sent again. Do nothing if the chat has another link now."""

    async def known_invoices(self, key: ChatKey) -> Mapping[int, KnownInvoice]:
        """Return what a linked chat knows, as its last check left it."""

    async def sent_messages(self, key: ChatKey) -> Sequence[SentMessage]:
        """Return the chat's messages about invoices that are not settled yet, the oldest first."""

    async def link(
        self,
        link: Link,
        known: Mapping[int, KnownInvoice],
        invitation_id: str | None = None,
        *,
        slot: int | None = 0,
    ) -> bool:
        """Link the chat, and take ``known`` as told. Return True.

        ``slot`` is the chat's account that is replaced. None: add one, or raise :class:`bot.errors.TooManyAccounts`.

        Alerts of an older link go. Its silences and sent messages stay for an invoice that the new link has too, with
        the same title and due date; if there is one, the reference of bank transfers stays, too. Its payers stay if the
        owner is the same. The payments with the account that it replaces go. An ended one stays until its end was told.
        Raise :class:`bot.errors.LinkInUse` while one of them is under way. Nothing is changed then.

        An invitation is used up in the same transaction. Change nothing and return False if it is gone, or if the chat
        has no longer the link that the invitation replaces.
        """

    async def remove_account(self, key: ChatKey, account: str) -> bool:
        """Forget one of several accounts, and all that belongs to it. Return False if it is another one by now."""

    async def add_payer(self, key: ChatKey, payer: Member) -> None:
        """Let a person pay with all accounts of this one's owner in the chat. A newer name replaces the older."""

    async def remove_payer(self, key: ChatKey, user_id: int) -> None:
        """Let this person pay with none of them any longer."""

    async def everything_of(self, chat_id: int) -> Mapping[str, Any]:
        """Return all that is stored of a chat, in JSON's types. The token is left out, even in its sealed form."""

    async def unlink(self, chat_id: int) -> bool:
        """Forget the chat and all that belongs to it. Return False if it was not linked.

        An unsettled payment stays until its end was told.
        """

    async def move_chat(self, old_id: int, new_id: int) -> None:
        """Move all that belongs to a chat to its new id. Do nothing if it has moved before.

        Earlier messages lose their ids, because Telegram gives new ones. If the new id is linked already by the same
        owner, keep that link and drop the old one. A link that somebody else has made there is dropped: the chat only
        looked unlinked. Payments and pending items move in any case.
        """

    async def rest(self, chat_id: int, reason: str) -> None:
        """Stop checks and alerts of a chat that can't be written to. Its data stay."""

    async def wake(self, chat_id: int, now: datetime) -> bool:
        """Note that the chat can be written to again. Return False if it neither rested nor was closed.

        After a rest, its next check is due ``now``, and its alerts wait until that has ended. That takes half a minute
        at most.
        """

    async def waiting_alerts(self, key: ChatKey) -> Waiting: ...
