"""The roles of people in a group, which only Telegram knows."""

from __future__ import annotations

from telegram import Bot, ChatMember
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.chat.context import MAX_NAME_LENGTH, Context
from bot.chat.screens import one_line
from bot.domain.chats import Link, Member
from bot.errors import AdministratorOnly, OwnerOnly, OwnerOrAdministratorOnly, RoleUnknown

ADMINISTRATORS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})
PRESENT = ADMINISTRATORS | {ChatMemberStatus.MEMBER, ChatMemberStatus.RESTRICTED}


def check_owner(link: Link, user: Member) -> None:
    """Raise :class:`OwnerOnly` for anybody but the owner of the link."""
    if user.id != link.linked_by:
        raise OwnerOnly(owner=link.owner)


async def check_owner_or_administrator(context: Context, link: Link) -> None:
    """Raise :class:`OwnerOrAdministratorOnly` for anybody else in a group. In a private chat there is nobody else."""
    chat_id, user_id = context.chat.id, context.user_id
    if context.private or context.sender_chat_id == chat_id:  # an anonymous administrator writes as the group itself
        return
    is_known = context.sender_chat_id is None
    if is_known and (user_id == link.linked_by or await is_administrator(context.bot, chat_id, user_id)):
        return
    raise OwnerOrAdministratorOnly(owner=link.owner)


async def check_administrator(context: Context) -> None:
    """Raise :class:`AdministratorOnly` for anybody else in a group, of whose link nothing is known."""
    chat_id = context.chat.id
    if context.private or context.sender_chat_id == chat_id:
        return
    if context.sender_chat_id is not None or not await is_administrator(context.bot, chat_id, context.user_id):
        raise AdministratorOnly


async def is_administrator(bot: Bot, chat_id: int, user_id: int) -> bool:
    """Return whether somebody is an administrator of a group. Raise :class:`RoleUnknown` if Telegram does not tell."""
    return (await _ask(bot, chat_id, user_id)).status in ADMINISTRATORS


async def member(bot: Bot, chat_id: int, user_id: int) -> Member | None:
    """Return a person in a group with their present name; None for bots and people outside the group.

    Raise :class:`RoleUnknown` if Telegram does not tell.
    """
    found = await _ask(bot, chat_id, user_id)
    if found.user.is_bot or found.status not in PRESENT:
        return None
    return Member(found.user.id, one_line(found.user.full_name, MAX_NAME_LENGTH))


async def _ask(bot: Bot, chat_id: int, user_id: int) -> ChatMember:
    try:
        return await bot.get_chat_member(chat_id, user_id)
    except TelegramError as error:
        raise RoleUnknown from error
