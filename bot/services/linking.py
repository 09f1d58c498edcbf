"""Link a chat to an account of the provider, or a group from a private chat, and unlink it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.domain.alerts import undated
from bot.domain.answers import Awaited, Question
from bot.domain.chats import TOKEN_WAIT, Chat, Link, Member, Place, Token, Watch
from bot.domain.invitations import INVITATION_LIFETIME, INVITATION_NONCE_BYTES, Invitation, id_of
from bot.domain.invoices import Listing
from bot.domain.knowledge import take_as_known
from bot.domain.payments import UNFINISHED
from bot.domain.reminders import next_look
from bot.domain.schedule import CheckPlan
from bot.domain.token_offers import OFFER_LIFETIME, OfferedToken, TokenPause, longer_pause, pause_id
from bot.domain.waits import still_lasts
from bot.errors import (
    ConfirmationExpired,
    InvitationOfOther,
    InvitationVoid,
    LinkInUse,
    LinkWouldBeReplaced,
    NotLinked,
    PermissionMissing,
    QuestionOver,
    Refused,
    StoreAway,
    TokenPaused,
    TokenRefused,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, CheckStore, Clock, PaymentStore, PendingStore, Provider
from bot.services.permissions import link_of

WRONG_TOKEN = (TokenRefused, PermissionMissing, Refused)
"""Answers of the provider that are about the token."""

FORGET_EVERY = timedelta(minutes=1)


class LinkStore(ChatStore, CheckStore, PaymentStore, PendingStore, Protocol):
    """What linking needs of the store."""


class Linking:
    """Links chats. ``base_url`` is the provider's: an account is a token at a certain provider."""

    def __init__(self, store: LinkStore, provider: Provider, clock: Clock, plan: CheckPlan, *, base_url: str) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock
        self._plan = plan
        self._base_url = base_url
        self._forget_at = datetime.min.replace(tzinfo=UTC)

    async def tick(self) -> None:
        """Forget what has expired: nobody's secret is kept longer than the question about it holds."""
        now = self._clock()
        if not still_lasts(self._forget_at, now, FORGET_EVERY):
            self._forget_at = now + FORGET_EVERY
            await self._store.drop_expired(now)

    async def expect_token(self, chat: Chat, opens: str = "") -> None:
        """Take the chat's next message as its token, for :data:`TOKEN_WAIT`. A link ``opens`` something then."""
        await self._store.await_token(chat.id, self._clock() + TOKEN_WAIT, opens)

    def expects_token(self, chat: Chat) -> bool:
        """Return whether the chat's next message is its token."""
        awaited = chat.awaits(self._clock())
        return awaited is not None and awaited.question is Question.TOKEN

    async def link(
        self,
        chat: Chat,
        place: Place,
        owner: Member,
        token: Token,
        invitation_id: str | None = None,
        replacing: datetime | None = None,
        message_id: int | None = None,
        *,
        adding: bool = False,
    ) -> Listing:
        """Try the token at the provider, then store it. The same owner keeps the payers of an older link.

        A link to another account is replaced only if it is the one that was made at ``replacing``, which the person has
        agreed to. ``adding``: it stays, and the chat gets one more. ``message_id`` is the message with the token.

        Return the account's invoices, which are taken as known. On an error the older link stays. Raise
        :class:`LinkWouldBeReplaced`, :class:`LinkInUse` if a payment still needs the link to another account,
        :class:`InvitationVoid` if the invitation no longer holds once the provider has answered,
        :class:`TokenPaused` without asking the provider, or a :class:`bot.errors.ProviderError`.
        """
        listing = await self._try(token, chat, owner)
        now, account = self._clock(), self._store.account_of(self._base_url, token)
        present = await self._store.accounts(chat.id)
        if invitation_id is not None and _linked_at(present[0]) != _linked_at(chat):
            raise InvitationVoid  # somebody has linked the group while the provider answered, or unlinked it
        slot = _slot_for(account, present, replacing, adding=adding)
        schedule = self._plan.schedule(chat)
        heavy = len(listing.invoices) > HEAVY_COUNT
        known = await off_loop(heavy, take_as_known, listing.invoices, schedule, now)
        look = await off_loop(heavy, next_look, known, {}, schedule, now)
        link = Link(
            account=account,
            place=place,
            token=token,
            linked_by=owner.id,
            linked_at=now,
            next_check_at=self._plan.after(now, look=look),
            next_check_set_at=now,
            watch=Watch(
                checked_at=now,
                unreadable_told=listing.lost + len(undated(known.values())),
                unreadable_ids=listing.unreadable_ids,
                whole_at=None if listing.is_read_to_end else now,
                next_page=listing.rest or "",
            ),
            owner_name=owner.name,
            message_id=message_id,
        )
        if not await self._store.link(link, known, invitation_id, slot=slot):
            raise InvitationVoid
        await self._store.end_refusal(link.account, now)  # in other chats of the account
        if chat.telegram_language:
            await self._store.note_telegram_language(chat.id, chat.telegram_language)
        return listing

    async def offer(
        self, place: Place, user: Member, token: Token, replaces: datetime | None, invitation_id: str = ""
    ) -> OfferedToken:
        """Keep a token until the person has said whether to use it. The chat's next message is no token."""
        now = self._clock()
        offer = OfferedToken(secrets.token_urlsafe(12), place, user.id, now + OFFER_LIFETIME, replaces, invitation_id)
        await self._store.put_pending(self._store.seal_offer(offer, token), now)
        await self._store.await_token(place.chat_id, None)
        return offer

    async def offered(self, offer_id: str, user: Member) -> tuple[OfferedToken, Token]:
        """Return a token that was offered. Raise :class:`ConfirmationExpired`."""
        offer = await self._store.pending(OfferedToken, offer_id)
        token = self._store.token_of(offer) if offer is not None else None
        if offer is None or token is None or offer.user_id != user.id:
            raise ConfirmationExpired
        if not offer.holds(self._clock()):
            raise QuestionOver
        return offer, token

    async def offer_shown(self, offer: OfferedToken, message_id: int) -> None:
        """Note which message asks about a token, so that /cancel finds it."""
        with suppress(StoreAway):  # it is shown all the same
            if (kept := await self._store.pending(OfferedToken, offer.id)) is not None:
                await self._store.put_pending(replace(kept, message_id=message_id), self._clock())

    async def withdraw_offers(self, chat: Chat, user: Member) -> Sequence[OfferedToken]:
        """Forget the tokens that this person is asked about here, and return those questions."""
        now, withdrawn = self._clock(), list[OfferedToken]()
        for offer in await self._store.pending_of(OfferedToken, chat.id, user.id):
            if await self._store.take_pending(OfferedToken, offer.id) is not None and offer.holds(now):
                withdrawn.append(offer)
        return withdrawn

    async def forget_offer(self, offer_id: str) -> None:
        """Forget a token that was offered."""
        await self._store.take_pending(OfferedToken, offer_id)

    async def unlink(self, chat: Chat) -> bool:
        """Forget the chat's tokens and all that is known of it. Return False if it was not linked.

        Raise :class:`LinkInUse`, with nothing done, while a payment of this chat is under way.
        """
        await self._check_not_in_use(chat)
        return await self._store.unlink(chat.id)

    async def remove(self, chat: Chat) -> bool:
        """Forget one of several accounts of a chat. Raise as :meth:`unlink` does, or :class:`NotLinked`."""
        link = link_of(chat)
        await self._check_not_in_use(chat, link.account)
        return await self._store.remove_account(chat.key, link.account)

    async def ask_for_name(self, chat: Chat) -> None:
        """Take the chat's next message as the account's name. Raise :class:`NotLinked`."""
        awaited = Awaited(Question.ACCOUNT, self._clock() + TOKEN_WAIT)
        if not await self._store.await_answer(chat.key, link_of(chat).account, awaited):
            raise NotLinked

    async def rename(self, chat: Chat, name: str) -> None:
        """Remember what the person calls an account. Empty: its number. Raise :class:`NotLinked`."""
        if not await self._store.name_account(chat.key, link_of(chat).account, name):
            raise NotLinked

    async def _check_not_in_use(self, chat: Chat, account: str | None = None) -> None:
        unsettled = [each for each in await self._store.unsettled_payments() if each.state in UNFINISHED]
        if any(each.place.chat_id == chat.id and account in {None, each.account} for each in unsettled):
            raise LinkInUse  # its end is read with this link, within minutes

    async def _try(self, token: Token, chat: Chat, owner: Member) -> Listing:
        """Ask the provider. Whoever sends wrong tokens has to wait, longer each time."""
        pause, now = await self._store.pending(TokenPause, pause_id(owner.id)), self._clock()
        if pause is not None and (wait := pause.left(now)):
            raise TokenPaused(wait)
        try:
            return await self._provider.list_invoices(token, chat.reply_language)
        except WRONG_TOKEN:
            await self._store.put_pending(longer_pause(pause, owner.id, now), now)
            raise


def _linked_at(chat: Chat) -> datetime | None:
    return chat.link.linked_at if chat.link is not None else None


def _slot_for(account: str, chats: Sequence[Chat], replacing: datetime | None, *, adding: bool) -> int | None:
    """Return which of the chat's accounts a link takes the place of. None: of none.

    Raise :class:`LinkWouldBeReplaced` if nobody has agreed to that.
    """
    linked = [(chat.link, chat.slot) for chat in chats if chat.link is not None]
    for link, slot in linked:
        if link.account == account or (link.linked_at == replacing and not adding):
            return slot
    if linked and not adding:
        raise LinkWouldBeReplaced(linked[0][0].linked_at, len(linked))
    return None


class Inviting:
    """Links groups by invitations into the private chat, so that no token is ever shown to a group.

    Handlers check who may link a group: only Telegram knows its administrators.
    """

    def __init__(self, store: LinkStore, linking: Linking, clock: Clock) -> None:
        self._store = store
        self._linking = linking
        self._clock = clock

    async def invite(self, group: Chat, place: Place, title: str, user: Member) -> str:
        """Return a nonce that lets this person, and nobody else, link the group once from the private chat."""
        nonce, now = secrets.token_urlsafe(INVITATION_NONCE_BYTES), self._clock()
        invitation = Invitation(
            id=id_of(nonce),
            place=place,
            title=title,
            user_id=user.id,
            expires_at=now + INVITATION_LIFETIME,
            replaces=group.link.linked_at if group.link else None,
        )
        await self._store.put_pending(invitation, now)
        return nonce

    async def open(self, nonce: str, private: Chat, user: Member) -> Invitation:
        """Take the private chat's next message as the group's token. Raise as :meth:`invitation` does."""
        invitation = await self.invitation(id_of(nonce), user)
        await self._store.await_token(private.id, invitation.expires_at, invitation.id)
        return invitation

    async def invitation(self, invitation_id: str, user: Member) -> Invitation:
        """Return an invitation that still holds. Raise :class:`InvitationVoid` or :class:`InvitationOfOther`."""
        invitation = await self._store.pending(Invitation, invitation_id)
        if invitation is None or not invitation.still_holds(self._clock()):
            raise InvitationVoid
        if invitation.user_id != user.id:
            raise InvitationOfOther
        return invitation

    async def accept(
        self,
        invitation: Invitation,
        private: Chat,
        user: Member,
        token: Token,
        replacing: datetime | None = None,
        *,
        adding: bool = False,
    ) -> tuple[Chat, Listing]:
        """Link the group with this token. Return its chat as it was before, and the account's invoices.

        Raise :class:`InvitationVoid` if the group got another link meanwhile. Raise as :meth:`Linking.link` does: then
        the person can try another token.
        """
        group = (await self._store.accounts(invitation.place.chat_id))[0]
        group = replace(group, telegram_language=group.telegram_language or private.telegram_language)
        listing = await self._linking.link(
            group, invitation.place, user, token, invitation.id, replacing, adding=adding
        )
        await self._store.await_token(private.id, None)
        return group, listing
