"""Groups: the way into the private chat, where their token is given, and who may pay."""

from __future__ import annotations

from functools import partial

import structlog
from telegram import Message
from telegram.helpers import create_deep_linked_url

from bot.chat import sending
from bot.chat.roles import check_owner, check_ruler, is_administrator, member
from bot.chat.screens import Screen
from bot.chat.talk import LONGEST_NAME, Talk
from bot.chat.texts import Speak
from bot.chat.views import general, groups
from bot.domain.chats import Chat, Link, Member, Token
from bot.domain.invitations import Invitation
from bot.domain.invoices import Listing
from bot.errors import (
    ChatMigrated,
    GroupOnly,
    InvitationVoid,
    MessengerError,
    NoPerson,
    NotLinked,
    OwnerOrAdministratorOnly,
    PayerNotAllowed,
    ProviderError,
    UserError,
)
from bot.ports import ChatStore, Clock
from bot.services.inviting import Inviting
from bot.services.linking import read_token

log = structlog.get_logger()


class GroupHandlers:
    """What makes a group's chat different from a private one."""

    def __init__(
        self,
        chats: ChatStore,
        inviting: Inviting,
        speak: Speak,
        clock: Clock,
        allowed_users: frozenset[int] | None = None,
    ) -> None:
        """``allowed_users`` as of the dispatcher."""
        self._allowed_users = allowed_users
        self._chats = chats
        self._inviting = inviting
        self._speak = speak
        self._clock = clock

    # --- In the group -----------------------------------------------------------------------------------------------

    async def invite(self, talk: Talk) -> None:
        """/link: a button that leads into the private chat. A link that is there only its rulers may replace."""
        user = talk.person
        if talk.chat.link is not None:
            await check_ruler(talk, talk.chat.link)
        title = (talk.message.chat.title if talk.message else None) or ""
        nonce = await self._inviting.invite(talk.chat, talk.place, title[:LONGEST_NAME], user)
        url = create_deep_linked_url(talk.bot.username, nonce)
        await talk.reply(groups.invitation(talk.t, url, user.name))

    async def payers(self, talk: Talk) -> None:
        """/payers: who may pay; as the owner's reply to somebody's message: that one, too."""
        link = self._link(talk)
        if (message := _replied_to(talk)) is None:
            await talk.reply(groups.payers(talk.t, link, owned=talk.user_id == link.linked_by))
            return
        check_owner(link, talk.person)
        author = message.from_user
        if author is None or author.is_bot or message.sender_chat is not None:
            raise NoPerson
        found = await member(talk.bot, talk.chat.id, author.id)
        if found is None:
            raise NoPerson
        await self._add(talk, found)

    async def payers_answer(self, talk: Talk) -> None:
        """The owner's buttons: let somebody pay, or no longer. They were about one link only."""
        link = self._link(talk)
        match talk.words:
            case [what, number, mark] if mark == general.mark_of(link) and number.isdecimal():
                check_owner(link, talk.person)
                if what == "remove":
                    await self._chats.remove_payer(talk.chat.id, int(number))
                    await self._show_payers(talk)
                    return
                found = await member(talk.bot, talk.chat.id, int(number))
                if what == "add" and found is not None:
                    await self._add(talk, found)
                    return
        await talk.tell(talk.t("button.unknown"))

    # --- In the private chat ----------------------------------------------------------------------------------------

    async def open(self, talk: Talk, nonce: str) -> None:
        """/start NONCE, which is where the button in the group leads to."""
        invitation = await self._inviting.open(nonce, talk.chat, talk.person)
        await talk.reply(groups.joining(talk.t, talk.chat, invitation))

    async def take_token(self, talk: Talk, text: str) -> None:
        """The message that is to be the group's token. After a mistake it can just be sent again."""
        deleted = await talk.delete_message()
        try:
            await self._link_group(talk, read_token(text))
        except InvitationVoid as error:
            await self._chats.await_token(talk.chat.id, None)
            await talk.explain(error)
        except (UserError, ProviderError) as error:
            await talk.explain(error)
        if not deleted:
            await talk.reply(Screen(talk.t("link.not_deleted")))

    async def use_own(self, talk: Talk) -> None:
        """The button that gives the group the account of the private chat."""
        link, waiting = talk.chat.link, talk.chat.awaiting_for
        if link is None or not waiting or talk.words != [waiting[: groups.SHORT_ID]]:
            raise InvitationVoid
        await self._link_group(talk, link.token)

    # --- Within -----------------------------------------------------------------------------------------------------

    async def _link_group(self, talk: Talk, token: Token) -> None:
        user = talk.person
        invitation = await self._inviting.invitation(talk.chat.awaiting_for, user)
        await self._check_still_ruler(talk, invitation)
        group, listing = await self._inviting.accept(invitation, talk.chat, user, token)
        log.info("group linked", chat=group.id)
        await self._greet(talk, group, invitation, listing)
        await talk.show(groups.joined(talk.t, invitation))

    async def _check_still_ruler(self, talk: Talk, invitation: Invitation) -> None:
        """Who was an administrator when the way was opened need not be one any more."""
        link = (await self._chats.chat(invitation.place.chat_id)).link
        if link is None or link.linked_by == talk.user_id:
            return
        if not await is_administrator(talk.bot, invitation.place.chat_id, talk.user_id):
            raise OwnerOrAdministratorOnly(owner=link.owner_name or link.linked_by)

    async def _greet(self, talk: Talk, group: Chat, invitation: Invitation, listing: Listing) -> None:
        """Say in the group that it is linked. That it can't be said there changes nothing."""
        screen = general.linked(self._speak(group), listing, self._clock())
        try:
            await sending.insist(partial(sending.send, talk.bot, invitation.place, screen), talk.sleep)
        except ChatMigrated as error:
            await self._chats.move_chat(group.id, error.new_chat_id)
        except MessengerError as error:
            log.warning("group can't be greeted", chat=group.id, error=str(error))

    async def _add(self, talk: Talk, payer: Member) -> None:
        if self._allowed_users is not None and payer.id not in self._allowed_users:
            raise PayerNotAllowed(name=payer.name, user_id=payer.id)
        await self._chats.add_payer(talk.chat.id, payer)
        await talk.show(groups.payer_added(talk.t, payer.name))

    async def _show_payers(self, talk: Talk) -> None:
        link = (await self._chats.chat(talk.chat.id)).link
        if link is not None:
            await talk.show(groups.payers(talk.t, link, owned=True))

    @staticmethod
    def _link(talk: Talk) -> Link:
        if talk.private:
            raise GroupOnly
        if talk.chat.link is None:
            raise NotLinked
        return talk.chat.link


def _replied_to(talk: Talk) -> Message | None:
    """The message that a command replies to. In a topic, all that replies to nothing else replies to its beginning."""
    message = talk.message.reply_to_message if talk.message is not None and talk.query is None else None
    return None if message is None or message.forum_topic_created is not None else message
