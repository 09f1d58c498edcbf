"""Groups: link a group from the private chat, where its token is given, and say who may pay."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from telegram import Message
from telegram.helpers import create_deep_linked_url

from bot.chat import sending
from bot.chat.account_marks import finished
from bot.chat.context import MAX_NAME_LENGTH, Context
from bot.chat.group_roles import check_owner, check_owner_or_administrator, is_administrator, member
from bot.chat.texts import TextsFor
from bot.chat.views import general, groups
from bot.domain.chats import Chat, Link, Member, Token
from bot.domain.invitations import Invitation
from bot.domain.invoices import Listing
from bot.errors import (
    ChatMigrated,
    CommandNeeded,
    GroupOnly,
    InvitationVoid,
    LinkWouldBeReplaced,
    MessengerError,
    NoPerson,
    OwnerOrAdministratorOnly,
    PayerNotAllowed,
)
from bot.offload import HEAVY_COUNT, off_loop
from bot.ports import ChatStore, Clock
from bot.services.failures import note_unreachable
from bot.services.linking import Inviting, Linking
from bot.services.permissions import link_of

log = structlog.get_logger()


class GroupHandlers:
    """The commands and buttons for groups."""

    def __init__(
        self,
        chats: ChatStore,
        inviting: Inviting,
        linking: Linking,
        texts_for: TextsFor,
        clock: Clock,
        allowed_users: frozenset[int] | None = None,
    ) -> None:
        """``allowed_users`` as for the dispatcher."""
        self._allowed_users = allowed_users
        self._chats = chats
        self._inviting = inviting
        self._linking = linking
        self._texts_for = texts_for
        self._clock = clock

    # --- In the group -----------------------------------------------------------------------------------------------

    async def invite(self, context: Context) -> None:
        """/link: offer a button into the private chat. Only the owner or an administrator may replace a link."""
        user = context.person
        if context.chat.link is not None:
            await check_owner_or_administrator(context, context.chat.link)
        title = (context.message.chat.title if context.message else None) or ""
        nonce = await self._inviting.invite(context.chat, context.place, title[:MAX_NAME_LENGTH], user)
        url = create_deep_linked_url(context.bot.username, nonce)
        await context.reply(groups.invitation(context.t, url, user.name))

    async def payers(self, context: Context) -> None:
        """/payers: say who may pay. As the owner's reply to somebody's message, let that person pay, too."""
        link = self._link(context)
        if (message := _replied_to(context)) is None:
            await context.reply(groups.payers(context.t, link, owned=context.user_id == link.linked_by))
            return
        check_owner(link, context.person)
        author = message.from_user
        if author is None or author.is_bot or message.sender_chat is not None:
            raise NoPerson
        found = await member(context.bot, context.chat.id, author.id)
        if found is None:
            raise NoPerson
        await self._add(context, found)

    async def payers_answer(self, context: Context) -> None:
        """The owner's buttons: let somebody pay, or no longer. They hold only for the link that they were made for."""
        link = self._link(context)
        match context.words:
            case [what, number, mark] if mark == general.mark_of(link) and number.isdecimal():
                check_owner(link, context.person)
                if what == "remove":
                    await self._chats.remove_payer(context.chat.key, int(number))
                    await self._show_payers(context)
                    return
                found = await member(context.bot, context.chat.id, int(number))
                if what == "add" and found is not None:
                    await self._add(context, found)
                    return
        raise CommandNeeded

    # --- In the private chat ----------------------------------------------------------------------------------------

    async def open(self, context: Context, nonce: str) -> None:
        """/start NONCE: the button in the group leads here."""
        invitation = await self._inviting.open(nonce, context.chat, context.person)
        await context.reply(groups.joining(context.t, context.chat, invitation))

    async def take_token(self, context: Context, token: Token) -> None:
        """The token that was sent for the group. After a mistake, the person can just send it again."""
        try:
            await self.link(context, token, context.chat.awaiting_for)
        except InvitationVoid:
            await self._chats.await_token(context.chat.id, None)
            raise

    async def use_own(self, context: Context) -> None:
        """The button that links the group to the account of the private chat."""
        link, waiting = context.chat.link, context.chat.awaiting_for
        if link is None or not waiting or context.words != [waiting[: groups.SHORT_ID]]:
            raise InvitationVoid
        await self.link(context, link.token, waiting)

    async def link(
        self,
        context: Context,
        token: Token,
        invitation_id: str,
        replacing: datetime | None = None,
        *,
        adding: bool = False,
    ) -> None:
        """Link the group, or ask first whether to replace a link that is not the one made at ``replacing``."""
        user = context.person
        invitation = await self._inviting.invitation(invitation_id, user)
        await self._check_may_replace(context, invitation)
        try:
            group, listing = await self._inviting.accept(
                invitation, context.chat, user, token, replacing, adding=adding
            )
        except LinkWouldBeReplaced as error:
            offer = await self._linking.offer(context.place, user, token, error.linked_at, invitation_id)
            screen = general.replace_question(context.t, offer, invitation.title, several=error.accounts > 1)
            await self._linking.offer_shown(offer, await context.show(screen))
            return
        log.info("group linked", chat=group.id)
        await self._greet(context, group, invitation, listing)
        await context.show(groups.joined(context.t, invitation))

    # --- Helpers ----------------------------------------------------------------------------------------------------

    async def _check_may_replace(self, context: Context, invitation: Invitation) -> None:
        """Raise :class:`OwnerOrAdministratorOnly` if the person has lost the right to replace the link meanwhile."""
        link = (await self._chats.accounts(invitation.place.chat_id))[0].link
        if link is None or link.linked_by == context.user_id:
            return
        if not await is_administrator(context.bot, invitation.place.chat_id, context.user_id):
            raise OwnerOrAdministratorOnly(owner=link.owner)

    async def _greet(self, context: Context, group: Chat, invitation: Invitation, listing: Listing) -> None:
        """Say in the group that it is linked. It stays linked even if that fails."""
        heavy, t, place = len(listing.invoices) > HEAVY_COUNT, self._texts_for(group), invitation.place
        screen = finished(t, await off_loop(heavy, general.linked, t, listing, self._clock()))
        try:
            try:
                await sending.retry_unsent(partial(sending.send, context.bot, place, screen), context.sleep)
            except ChatMigrated as error:
                await note_unreachable(self._chats, group.id, error)
                place = place.in_chat(error.new_chat_id)
                await sending.retry_unsent(partial(sending.send, context.bot, place, screen), context.sleep)
        except MessengerError as error:
            log.warning("group can't be greeted", chat=group.id, error=str(error))
            await note_unreachable(self._chats, group.id, error)

    async def _add(self, context: Context, payer: Member) -> None:
        if self._allowed_users is not None and payer.id not in self._allowed_users:
            raise PayerNotAllowed(name=payer.name, user_id=payer.id)
        await self._chats.add_payer(context.chat.key, payer)
        await context.show(groups.payer_added(context.t, payer.name))

    async def _show_payers(self, context: Context) -> None:
        link = (await self._chats.chat(context.chat.key)).link
        if link is not None:
            await context.show(groups.payers(context.t, link, owned=True))

    @staticmethod
    def _link(context: Context) -> Link:
        if context.private:
            raise GroupOnly
        return link_of(context.chat)


def _replied_to(context: Context) -> Message | None:
    """Return the message that a command replies to. In a topic, any plain message replies to the topic's first one."""
    message = context.message.reply_to_message if context.message is not None and context.query is None else None
    return None if message is None or message.forum_topic_created is not None else message
