"""Who rules a group, as Telegram knows it."""

from __future__ import annotations

from telegram import Bot
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.chat.context import MAX_NAME_LENGTH, Context
from bot.chat.screens import one_line
from bot.domain.chats import Link, Member
from bot.errors import OwnerOnly, OwnerOrAdministratorOnly, RoleUnknown

RULERS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})
PRESENT = RULERS | {ChatMemberStatus.MEMBER, ChatMemberStatus.RESTRICTED}


def check_owner(link: Link, user: Member) -> None:
    """Raise :class:`OwnerOnly` for anybody else."""
    if user.id != link.linked_by:
        raise OwnerOnly(owner=link.owner)


async def check_ruler(context: Context, link: Link) -> None:
    """Raise :class:`OwnerOrAdministratorOnly` for those who are neither; in a private chat its person is both."""
    if (
        context.private or context.chat.id == context.sender_chat_id
    ):  # an anonymous administrator writes as the group itself
        return
    known = context.sender_chat_id is None
    if known and (
        context.user_id == link.linked_by or await is_administrator(context.bot, context.chat.id, context.user_id)
    ):
        return
    raise OwnerOrAdministratorOnly(owner=link.owner)


async def is_administrator(bot: Bot, chat_id: int, user_id: int) -> bool:
    """Raises :class:`RoleUnknown` while Telegram does not tell."""
    try:
        return (await bot.get_chat_member(chat_id, user_id)).status in RULERS
    except TelegramError as error:
        raise RoleUnknown from error


async def member(bot: Bot, chat_id: int, user_id: int) -> Member | None:
    """Somebody in a group with their present name; None for bots and for who is not there."""
    try:
        found = await bot.get_chat_member(chat_id, user_id)
    except TelegramError as error:
        raise RoleUnknown from error
    if found.user.is_bot or found.status not in PRESENT:
        return None
    return Member(found.user.id, one_line(found.user.full_name, MAX_NAME_LENGTH))
