"""Greet a group that the bot has joined, with the button that links it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

import structlog
from telegram import Bot, Chat as TelegramChat, ChatMember, ChatMemberRestricted, ChatMemberUpdated
from telegram.constants import ChatMemberStatus

from bot.chat import sending
from bot.chat.texts import TextsFor
from bot.chat.views.groups import greeting
from bot.domain.chats import Place
from bot.errors import BotError
from bot.ports import ChatStore

log = structlog.get_logger()

GREET_AFTER = 3.0
"""Seconds between joining and the greeting. A supergroup that was a group before also looks like one that was joined:
meanwhile Telegram says what it was."""

REMEMBERED = 100
"""How many joinings and migrations are remembered, to greet once, and nobody who knows the bot."""

GROUPS = frozenset({TelegramChat.GROUP, TelegramChat.SUPERGROUP})
AWAY = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.BANNED})


class Greeter:
    """``allowed_users`` as for the dispatcher: whom the bot does not serve, it does not greet."""

    def __init__(self, bot: Bot, chats: ChatStore, texts_for: TextsFor, allowed_users: frozenset[int] | None) -> None:
        self._bot = bot
        self._chats = chats
        self._texts_for = texts_for
        self._allowed_users = allowed_users
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        self._migrated: deque[int] = deque(maxlen=REMEMBERED)
        self._tasks: set[asyncio.Task[None]] = set()

    def note_migration(self, new_id: int) -> None:
        """Take note that a group has this new id: nobody there needs a greeting."""
        self._migrated.append(new_id)

    def note_change(self, update_id: int, change: ChatMemberUpdated) -> None:
        """Greet the group soon if the bot has just joined it. A change of rights is no joining.

        An update that is handled again greets nobody again.
        """
        if not _has_joined(change) or update_id in self._seen or not self._serves(change.from_user.id):
            return
        self._seen.append(update_id)
        task = asyncio.create_task(self._greet(change))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Greet nobody any more."""
        for task in self._tasks:
            task.cancel()

    def _serves(self, user_id: int) -> bool:
        return self._allowed_users is None or user_id in self._allowed_users

    async def _greet(self, change: ChatMemberUpdated) -> None:
        await asyncio.sleep(GREET_AFTER)
        chat_id = change.chat.id
        if chat_id in self._migrated:
            return
        try:
            chat = (await self._chats.accounts(chat_id))[0]
            if chat.link is not None or chat.id != chat_id:
                return
            language = chat.telegram_language or change.from_user.language_code
            t = self._texts_for(replace(chat, telegram_language=language))
            await sending.send(self._bot, Place(chat_id), greeting(t))
        except BotError as error:
            log.info("group can't be greeted", chat=chat_id, error=str(error))


def _has_joined(change: ChatMemberUpdated) -> bool:
    old, new = change.old_chat_member, change.new_chat_member
    was_there = old.status not in AWAY and not (isinstance(old, ChatMemberRestricted) and not old.is_member)
    return change.chat.type in GROUPS and not was_there and _can_write(new)


def _can_write(member: ChatMember) -> bool:
    if isinstance(member, ChatMemberRestricted):
        return member.is_member and member.can_send_messages
    return member.status not in AWAY
