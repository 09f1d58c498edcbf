"""The bot as python-telegram-bot runs it: which update goes to which handler, and the command menu."""

from __future__ import annotations

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

from bot.chat.dispatch import Context, Dispatcher
from bot.chat.handlers.exporting import ExportHandlers
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.handlers.selecting import SelectionHandlers
from bot.chat.texts import Phrasebook
from bot.chat.views.choices import CHOICES
from bot.chat.views.general import PAYING, offered
from bot.ports import ChatStore, Clock

log = structlog.get_logger()

ALLOWED_UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
"""Always passed, since Telegram remembers the last choice."""


def add_handlers(
    application: Application,  # type: ignore[type-arg]  # its six parameters say nothing here
    dispatcher: Dispatcher,
    general: GeneralHandlers,
    invoices: InvoiceHandlers,
    linking: LinkHandlers,
    payments: PaymentHandlers,
    selecting: SelectionHandlers,
    groups: GroupHandlers,
    exporting: ExportHandlers,
) -> None:
    """Route commands, buttons and free text."""
    wrap = dispatcher.wrap
    commands = {
        "start": wrap(linking.start),
        "help": wrap(general.help),
        "link": wrap(linking.link, takes_token=True),
        "unlink": wrap(linking.unlink, for_everybody=True),
        "invoices": wrap(invoices.invoices),
        "invoice": wrap(invoices.invoice),
        "pdf": wrap(invoices.pdf, slow=True),
        "pay": wrap(payments.guarded(payments.pay)),
        "removecredit": wrap(payments.guarded(payments.remove_credit)),
        "payments": wrap(payments.journal),
        "archive": wrap(invoices.archive, slow=True),
        "status": wrap(general.status),
        "language": wrap(general.language),
        "payers": wrap(groups.payers),
        "export": wrap(exporting.export, slow=True),
    }
    buttons = {
        "list": wrap(invoices.turn),
        "filter": wrap(invoices.filters),
        "show": wrap(invoices.invoice),
        "pdf": wrap(invoices.pdf, slow=True),
        "pay": wrap(payments.pay),
        "removecredit": wrap(payments.remove_credit),
        "journal": wrap(payments.journal),
        "several": wrap(selecting.begin),
        "pick": wrap(selecting.toggle),
        "sum": wrap(selecting.ask),
        "drop": wrap(selecting.drop),
        "payers": wrap(groups.payers_answer),
        "own": wrap(groups.use_own),
        "yes": wrap(payments.confirm),
        "no": wrap(payments.cancel),
        "language": wrap(general.language),
        "unlink": wrap(linking.unlink_answer, for_everybody=True),
    }
    message, private = filters.UpdateType.MESSAGE, filters.ChatType.PRIVATE & ~filters.StatusUpdate.ALL
    # What is tapped in Telegram's menu comes without a number.
    for name in CHOICES:
        choose = invoices.choosing(name)
        callback = wrap(payments.guarded(choose) if name in PAYING else choose)
        application.add_handler(CommandHandler(name, callback, message, has_args=False))
    for name, callback in commands.items():
        application.add_handler(CommandHandler(name, callback, message))
    for word, callback in buttons.items():
        application.add_handler(CallbackQueryHandler(callback, pattern=f"^{word}(:|$)"))
    application.add_handler(CallbackQueryHandler(wrap(general.unknown_button)))
    application.add_handler(MessageHandler(message & private & filters.COMMAND, wrap(general.unknown_command)))
    application.add_handler(MessageHandler(message & private, wrap(linking.text, takes_token=True)))


def watch_membership(
    application: Application,  # type: ignore[type-arg]
    chats: ChatStore,
    clock: Clock,
) -> None:
    """Let a chat rest when the bot is blocked or removed, and wake it when the bot is back."""

    async def changed(update: Update, _: Context) -> None:
        change = update.my_chat_member
        if isinstance(change, ChatMemberUpdated):
            chat_id, status = change.chat.id, change.new_chat_member.status
            if status in {ChatMemberStatus.BANNED, ChatMemberStatus.LEFT}:
                await chats.rest(chat_id, status)
            else:
                await chats.wake(chat_id, clock())

    application.add_handler(ChatMemberHandler(changed, ChatMemberHandler.MY_CHAT_MEMBER))


async def publish_menu(bot: Bot, phrasebook: Phrasebook) -> None:
    """Set the command menu in every language; the first is the one for all others. A failure is logged, no more."""
    for order, (language, t) in enumerate(phrasebook.items()):
        menu = [BotCommand(name, t.plain(f"command.{name}")) for name in offered(t)]
        try:
            await bot.set_my_commands(menu, language_code=language if order else None)
        except TelegramError as error:
            log.warning("command menu can't be set", language=language, error=error.message)
