"""Link a group from a private chat, so that no token is ever shown to a group."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Protocol

from bot.domain.chats import Chat, Member, Place, Token
from bot.domain.invitations import INVITATION_LIFETIME, INVITATION_NONCE_BYTES, Invitation, id_of
from bot.domain.invoices import Listing
from bot.errors import InvitationOfOther, InvitationVoid
from bot.ports import ChatStore, Clock, PendingStore
from bot.services.linking import Linking


class InvitationStore(ChatStore, PendingStore, Protocol):
    """What inviting needs of the store."""


class Inviting:
    """Invites into the private chat. Handlers check who may link a group: only Telegram knows its administrators."""

    def __init__(self, store: InvitationStore, linking: Linking, clock: Clock) -> None:
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
        if invitation is None or invitation.expires_at <= self._clock():
            raise InvitationVoid
        if invitation.user_id != user.id:
            raise InvitationOfOther
        return invitation

    async def accept(self, invitation: Invitation, private: Chat, user: Member, token: Token) -> tuple[Chat, Listing]:
        """Link the group with this token. Return its chat as it was before, and the account's invoices.

        Raise :class:`InvitationVoid` if the group got another link meanwhile. Raise as :meth:`Linking.link` does: then
        the person can try another token.
        """
        group = await self._store.chat(invitation.place.chat_id)
        group = replace(group, telegram_language=group.telegram_language or private.telegram_language)
        listing = await self._linking.link(group, invitation.place, user, token, invitation.id)
        await self._store.await_token(private.id, None)
        return group, listing
