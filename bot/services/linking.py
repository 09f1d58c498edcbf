"""Link a chat to an account of the provider, and unlink it."""

from __future__ import annotations

import re
from typing import Protocol

from bot.domain.chats import TOKEN_WAIT, Chat, Link, Member, Place, Token, Watch
from bot.domain.invoices import Listing
from bot.domain.payments import UNFINISHED
from bot.domain.reminders import next_look, take_as_known
from bot.domain.schedule import CheckPlan
from bot.errors import InvitationVoid, LinkInUse, NotAToken
from bot.ports import ChatStore, Clock, PaymentStore, Provider

MIN_LIKELY_TOKEN_LENGTH = 20
TOKEN_FORM = re.compile(r"[!-~]{8,4096}")  # printable ASCII without blanks: what an HTTP header can carry
ADDRESS = re.compile(r"@|://|^www\.", re.IGNORECASE)  # of a person or a page


def read_token(text: str) -> Token:
    """Return the token in what a person typed. Raise :class:`NotAToken` if no HTTP header could carry it."""
    value = _bare(text)
    if not TOKEN_FORM.fullmatch(value):
        raise NotAToken
    return Token(value)


def looks_like_token(text: str) -> bool:
    """Return whether a message is most likely a token: one long word with a digit, and no address."""
    word = _bare(text)
    return (
        len(word) >= MIN_LIKELY_TOKEN_LENGTH
        and TOKEN_FORM.fullmatch(word) is not None
        and any(map(str.isdigit, word))
        and not ADDRESS.search(word)
    )


def _bare(text: str) -> str:
    return text.strip().strip("<>\"'`")


class LinkStore(ChatStore, PaymentStore, Protocol):
    """What linking needs of the store."""


class Linking:
    """Links chats. ``base_url`` is the provider's: an account is a token at a certain provider."""

    def __init__(self, store: LinkStore, provider: Provider, clock: Clock, plan: CheckPlan, *, base_url: str) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock
        self._plan = plan
        self._base_url = base_url

    async def expect_token(self, chat: Chat) -> None:
        """Take the chat's next message as its token, for :data:`TOKEN_WAIT`."""
        await self._store.await_token(chat.id, self._clock() + TOKEN_WAIT)

    def expects_token(self, chat: Chat) -> bool:
        """Return whether the chat's next message is its token."""
        return chat.awaiting_token_until is not None and self._clock() < chat.awaiting_token_until

    async def link(
        self, chat: Chat, place: Place, owner: Member, token: Token, invitation_id: str | None = None
    ) -> Listing:
        """Try the token at the provider, then store it. An older link is replaced; the same owner keeps its payers.

        Return the account's invoices, which are taken as known. On an error the older link stays. Raise
        :class:`LinkInUse` if a payment still needs the link to another account, :class:`InvitationVoid` if the
        invitation no longer holds once the provider has answered, or a :class:`bot.errors.ProviderError`.
        """
        listing = await self._provider.list_invoices(token, chat.reply_language)
        now = self._clock()
        schedule = self._plan.schedule(chat)
        known = take_as_known(listing.invoices, schedule, now)
        link = Link(
            account=self._store.account_of(self._base_url, token),
            place=place,
            token=token,
            linked_by=owner.id,
            linked_at=now,
            next_check_at=self._plan.after(now, look=next_look(known, {}, schedule, now)),
            watch=Watch(checked_at=now, unreadable_told=listing.unreadable),
            owner_name=owner.name,
        )
        if not await self._store.link(link, known, invitation_id):
            raise InvitationVoid
        if chat.telegram_language:
            await self._store.note_telegram_language(chat.id, chat.telegram_language)
        return listing

    async def unlink(self, chat: Chat) -> bool:
        """Forget the chat's token and all that is known of it. Return False if it was not linked.

        Raise :class:`LinkInUse`, with nothing done, while a payment of this chat is under way.
        """
        unsettled = await self._store.unsettled_payments()
        if any(payment.place.chat_id == chat.id and payment.state in UNFINISHED for payment in unsettled):
            raise LinkInUse  # its end is read with this link, within minutes
        return await self._store.unlink(chat.id)
