"""What Telegram shows of the bot: its command menus, and its description in an empty chat and in its profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeDefault,
)
from telegram.error import TelegramError

from bot.chat.texts import Texts, Translations
from bot.chat.views.general import description, offered, short_description

log = structlog.get_logger()


async def publish_profile(bot: Bot, translations: Translations) -> None:
    """Set menus and descriptions in every language; the first language also serves all others.

    A failure is only logged. It ends the rest of its kind, so that an outage is asked no more than twice.
    """
    for publish in (publish_menus, publish_descriptions):
        try:
            await publish(bot, translations)
        except TelegramError as error:
            log.warning("profile can't be set", part=publish.__name__, error=error.message)


async def publish_menus(bot: Bot, translations: Translations) -> None:
    """Set a menu for private chats, for the members of groups, and for their administrators.

    Telegram knows who runs a group, not who may pay there: each command checks the rest.
    """
    for code, t in _by_code(translations):
        for scope, names in _menus(t).items():
            menu = [BotCommand(name, t.plain(f"command.{name}")) for name in names]
            await bot.set_my_commands(menu, scope, code)


async def publish_descriptions(bot: Bot, translations: Translations) -> None:
    """Set what differs. Telegram limits how often that may be done, and many processes may start at once."""
    for code, t in _by_code(translations):
        if (await bot.get_my_description(code)).description != description(t):
            await bot.set_my_description(description(t), code)
        if (await bot.get_my_short_description(code)).short_description != short_description(t):
            await bot.set_my_short_description(short_description(t), code)


def _menus(t: Texts) -> Mapping[BotCommandScope, Sequence[str]]:
    """Return which commands are offered to whom. The default is for chats of a kind that Telegram may yet invent."""
    of_members = offered(t, private=False, for_all=True)
    return {
        BotCommandScopeDefault(): of_members,
        BotCommandScopeAllPrivateChats(): offered(t, private=True),
        BotCommandScopeAllGroupChats(): of_members,
        BotCommandScopeAllChatAdministrators(): offered(t, private=False),
    }


def _by_code(translations: Translations) -> list[tuple[str | None, Texts]]:
    return [(language if order else None, t) for order, (language, t) in enumerate(translations.items())]
