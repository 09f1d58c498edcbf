"""The bot as python-telegram-bot runs it: which update goes to which handler, and the command menu."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from telegram import Bot, BotCommand, ChatMemberUpdated, Update
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from bot.chat.dispatch import Callback, Dispatcher, LibraryContext
from bot.chat.handlers.export import ExportHandlers
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.payment_selection import PaymentSelectionHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.handlers.settings import SettingsHandlers
from bot.chat.handlers.snoozing import SnoozeHandlers
from bot.chat.texts import Translations
from bot.chat.views.choices import CHOICES
from bot.chat.views.general import PAYING, offered
from bot.errors import StoreAway
from bot.ports import ChatStore, Clock

log = structlog.get_logger()

ALLOWED_UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
"""Always passed, since Telegram remembers the last choice."""
AGAIN_AFTER = 1.0
"""Seconds before an update that nothing could be done with is given back."""

Wrap = Callable[..., Callback]
"""As :meth:`Dispatcher.wrap`."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """All that answers, a group for each part of the bot."""

    general: GeneralHandlers
    invoices: InvoiceHandlers
    linking: LinkHandlers
    groups: GroupHandlers
    payments: PaymentHandlers
    payment_selection: PaymentSelectionHandlers
    snoozing: SnoozeHandlers
    settings: SettingsHandlers
    export: ExportHandlers


def add_handlers(
    application: Application,  # type: ignore[type-arg]  # its six parameters say nothing here
    dispatcher: Dispatcher,
    on: Handlers,
) -> None:
    """Route commands, buttons and free text."""
    wrap = dispatcher.wrap
    message, private = filters.UpdateType.MESSAGE, filters.ChatType.PRIVATE & ~filters.StatusUpdate.ALL
    # What is tapped in Telegram's menu comes without a number.
    for name in CHOICES:
        choose = on.invoices.choosing(name)
        callback = wrap(on.payments.guarded(choose) if name in PAYING else choose)
        application.add_handler(CommandHandler(name, callback, message, has_args=False))
    for name, callback in _commands(wrap, on).items():
        application.add_handler(CommandHandler(name, callback, message))
    for word, callback in _buttons(wrap, on).items():
        application.add_handler(CallbackQueryHandler(callback, pattern=f"^{word}(:|$)"))
    application.add_handler(CallbackQueryHandler(wrap(on.general.unknown_button)))
    application.add_handler(MessageHandler(message & private & filters.COMMAND, wrap(on.general.unknown_command)))
    application.add_handler(MessageHandler(message & private, wrap(on.linking.text, takes_token=True)))


def _commands(wrap: Wrap, on: Handlers) -> dict[str, Callback]:
    """By their names, without the slash."""
    return {
        "start": wrap(on.linking.start),
        "help": wrap(on.general.help),
        "link": wrap(on.linking.link, takes_token=True),
        "unlink": wrap(on.linking.unlink, for_everybody=True),
        "invoices": wrap(on.invoices.invoices),
        "invoice": wrap(on.invoices.invoice),
        "pdf": wrap(on.invoices.pdf, slow=True),
        "pay": wrap(on.payments.guarded(on.payments.pay)),
        "removecredit": wrap(on.payments.guarded(on.payments.remove_credit)),
        "payments": wrap(on.payments.journal),
        "archive": wrap(on.invoices.archive, slow=True),
        "check": wrap(on.general.check, slow=True),
        "status": wrap(on.general.status),
        "settings": wrap(on.settings.settings),
        "timezone": wrap(on.settings.timezone),
        "language": wrap(on.general.language),
        "payers": wrap(on.groups.payers),
        "export": wrap(on.export.export, slow=True),
    }


def _buttons(wrap: Wrap, on: Handlers) -> dict[str, Callback]:
    """By the first word of their callback data."""
    return {
        "list": wrap(on.invoices.turn),
        "filter": wrap(on.invoices.filters),
        "show": wrap(on.invoices.invoice),
        "pdf": wrap(on.invoices.pdf, slow=True),
        "pay": wrap(on.payments.pay),
        "removecredit": wrap(on.payments.remove_credit),
        "journal": wrap(on.payments.journal),
        "several": wrap(on.payment_selection.begin),
        "pick": wrap(on.payment_selection.choose),
        "sum": wrap(on.payment_selection.ask),
        "drop": wrap(on.payment_selection.drop),
        "yes": wrap(on.payments.confirm),
        "no": wrap(on.payments.cancel),
        "payers": wrap(on.groups.payers_answer),
        "own": wrap(on.groups.use_own),
        "snooze": wrap(on.snoozing.snooze),
        "mute": wrap(on.snoozing.mute),
        "wake": wrap(on.snoozing.wake),
        "check": wrap(on.general.check, slow=True),
        "set": wrap(on.settings.press),
        "language": wrap(on.general.language),
        "unlink": wrap(on.linking.unlink_answer, for_everybody=True),
    }


def watch_membership(
    application: Application,  # type: ignore[type-arg]
    chats: ChatStore,
    clock: Clock,
    give_back: Callable[[Update], None],
) -> None:
    """Let a chat rest when the bot is blocked or removed, and wake it when the bot is back.

    What can't be noted, as the database is away, is given back: nobody is there who could ask again.
    """

    async def note(change: ChatMemberUpdated) -> None:
        chat_id, status = change.chat.id, change.new_chat_member.status
        if status in {ChatMemberStatus.BANNED, ChatMemberStatus.LEFT}:
            await chats.rest(chat_id, status)
        else:
            await chats.wake(chat_id, clock())

    async def changed(update: Update, _: LibraryContext) -> None:
        if isinstance(update.my_chat_member, ChatMemberUpdated):
            try:
                await note(update.my_chat_member)
            except StoreAway:
                await asyncio.sleep(AGAIN_AFTER)  # it would come at once
                give_back(update)

    application.add_handler(ChatMemberHandler(changed, ChatMemberHandler.MY_CHAT_MEMBER))


async def publish_menu(bot: Bot, translations: Translations) -> None:
    """Set the command menu in every language; the first is the one for all others. A failure is logged, no more."""
    for order, (language, t) in enumerate(translations.items()):
        menu = [BotCommand(name, t.plain(f"command.{name}")) for name in offered(t)]
        try:
            await bot.set_my_commands(menu, language_code=language if order else None)
        except TelegramError as error:
            log.warning("command menu can't be set", language=language, error=error.message)
