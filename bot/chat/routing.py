"""Which update goes to which handler."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass

import structlog
from telegram import ChatMemberRestricted, ChatMemberUpdated, Message, Update
from telegram.constants import ChatMemberStatus
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from bot.chat.albums import NotAnsweredBefore
from bot.chat.context import LibraryContext, words_behind
from bot.chat.dispatch import Dispatcher, Route
from bot.chat.handlers.accounts import AccountHandlers
from bot.chat.handlers.answers import AnswerHandlers
from bot.chat.handlers.document_batches import DocumentBatchHandlers
from bot.chat.handlers.document_ticks import DocumentTickHandlers
from bot.chat.handlers.documents import DocumentHandlers
from bot.chat.handlers.due_calendar import CalendarHandlers
from bot.chat.handlers.general import GeneralHandlers
from bot.chat.handlers.greeting import Greeter
from bot.chat.handlers.groups import GroupHandlers
from bot.chat.handlers.invoices import InvoiceHandlers
from bot.chat.handlers.jumping import JumpHandlers
from bot.chat.handlers.linking import LinkHandlers
from bot.chat.handlers.packs import PackHandlers
from bot.chat.handlers.payments import PaymentHandlers
from bot.chat.handlers.searching import SearchHandlers
from bot.chat.handlers.selecting import SelectionHandlers
from bot.chat.handlers.services import ServiceHandlers
from bot.chat.handlers.settings import SettingsHandlers
from bot.chat.handlers.snoozing import SnoozeHandlers
from bot.chat.handlers.start import StartHandlers
from bot.chat.handlers.statistics import StatisticsHandlers
from bot.chat.handlers.together import TogetherHandlers
from bot.chat.handlers.topping_up import TopUpHandlers
from bot.chat.update_tracker import UpdateTracker
from bot.chat.views.general import PAYING
from bot.chat.views.invoice_choice import INVOICE_CHOICES
from bot.domain.invitations import INVITATION_NONCE_FORM
from bot.domain.tokens import looks_like_token
from bot.errors import ChatMigrated, ChatUnreadable, StoreAway
from bot.ports import ChatStore, Clock
from bot.services.failures import note_unreachable

log = structlog.get_logger()

INVITATION_LINK = re.compile(rf"/start(?:@\w+)?\s+{INVITATION_NONCE_FORM.pattern}", re.ASCII)
TAKES_TOKEN = re.compile(r"\s*/(?:link|start|token|find)\w*(?:@(?P<name>\w+))?(?:\W|$)", re.ASCII | re.IGNORECASE)

GIVE_BACK_DELAY = 1.0
"""Seconds before an update is given back: it comes again at once."""


@dataclass(frozen=True, slots=True)
class Handlers:
    """All handlers, a group for each part of the bot."""

    start: StartHandlers
    answers: AnswerHandlers
    accounts: AccountHandlers
    general: GeneralHandlers
    invoices: InvoiceHandlers
    together: TogetherHandlers
    documents: DocumentHandlers
    batches: DocumentBatchHandlers
    document_ticks: DocumentTickHandlers
    packs: PackHandlers
    calendars: CalendarHandlers
    statistics: StatisticsHandlers
    searching: SearchHandlers
    jumping: JumpHandlers
    linking: LinkHandlers
    groups: GroupHandlers
    payments: PaymentHandlers
    selections: SelectionHandlers
    snoozing: SnoozeHandlers
    settings: SettingsHandlers
    topping_up: TopUpHandlers
    services: ServiceHandlers


def add_handlers(
    application: Application,  # type: ignore[type-arg]  # its six parameters say nothing here
    dispatcher: Dispatcher,
    on: Handlers,
) -> None:
    """Route secrets first, whatever they stand in; then commands and buttons; then free text."""
    wrap = dispatcher.wrap
    message, private = filters.UpdateType.MESSAGE, filters.ChatType.PRIVATE & ~filters.StatusUpdate.ALL
    secret = filters.UpdateType.MESSAGES & ShowsToken()
    in_group = filters.ChatType.GROUPS & CommandToUs()
    # What mostly does not hold is asked first.
    for where, handle in ((secret & private, on.linking.secret), (in_group & secret, on.linking.shown_to_group)):
        application.add_handler(MessageHandler(where, wrap(Route(handle, takes_token=True))))
    # A command tapped in Telegram's menu comes without a number.
    for name in INVOICE_CHOICES:
        choose = on.invoices.choosing(name)
        route = Route(on.payments.guarded(choose) if name in PAYING else choose, each=True)
        application.add_handler(CommandHandler(name, wrap(route), message & NothingBehind()))
    for name, route in _commands(on).items():
        application.add_handler(CommandHandler(name, wrap(route), message))
    for word, route in _buttons(on).items():
        application.add_handler(CallbackQueryHandler(wrap(route), pattern=rf"^{word}(@\d)?(:|$)"))
    unknown_button, unknown_command = Route(on.general.unknown_button), Route(on.general.unknown_command)
    application.add_handler(CallbackQueryHandler(wrap(unknown_button)))
    application.add_handler(MessageHandler(message & private & filters.COMMAND, wrap(unknown_command)))
    typed = on.accounts.typed(on.searching.number_typed)
    text = Route(on.answers.text, takes_token=True, each=True, by_number=typed)
    application.add_handler(MessageHandler(message & private & NotAnsweredBefore(), wrap(text)))


class ShowsToken(filters.MessageFilter):
    """A word of the message has a token's form. A group's deep link has it too, and is none."""

    def filter(self, message: Message) -> bool:
        text = message.text or message.caption or ""
        return looks_like_token(text) and not INVITATION_LINK.fullmatch(text)


class NothingBehind(filters.MessageFilter):
    """The message is a command alone. The library takes ``/pay:4711`` for one, too."""

    def filter(self, message: Message) -> bool:
        return not words_behind(message)


class CommandToUs(filters.MessageFilter):
    """The message is one of the commands that people write a token behind, and to no other bot."""

    def filter(self, message: Message) -> bool:
        found = TAKES_TOKEN.match(message.text or message.caption or "")
        if found is None:
            return False
        named, ours = (found["name"] or "").lower(), message.get_bot().username.lower()
        return named in {"", ours} or (named.startswith(ours) and not named.endswith("bot"))  # the rest is the token


def _commands(on: Handlers) -> dict[str, Route]:
    """Return the commands' routes, by their names without the slash."""
    return {
        "start": Route(on.start.start),
        "help": Route(on.general.help),
        "link": Route(on.linking.link, takes_token=True),
        "unlink": Route(on.linking.unlink, for_everybody=True),
        "invoices": Route(on.invoices.invoices, together=on.together.invoices),
        "find": Route(on.searching.find, each=True, by_number=on.accounts.typed(on.searching.number_typed)),
        "invoice": Route(on.invoices.invoice, by_number=on.accounts.located("invoice", "show")),
        "pdf": Route(on.documents.pdf, slow=True, by_number=on.accounts.located("pdf", "pdf")),
        "pay": Route(on.payments.guarded(on.payments.pay), by_number=on.accounts.located("pay", "pay")),
        "removecredit": Route(
            on.payments.guarded(on.payments.remove_credit),
            by_number=on.accounts.located("removecredit", "removecredit"),
        ),
        "payments": Route(on.payments.journal, each=True),
        "archive": Route(on.packs.archive, slow=True, each=True),
        "stats": Route(on.statistics.stats, slow=True, each=True),
        "calendar": Route(on.calendars.calendar, each=True),
        "check": Route(on.general.check, slow=True, each=True),
        "status": Route(on.general.status, each=True),
        "settings": Route(on.settings.settings),
        "timezone": Route(on.settings.timezone),
        "reference": Route(on.topping_up.reference),
        "language": Route(on.settings.language),
        "payers": Route(on.groups.payers),
        "accounts": Route(on.accounts.accounts),
        "export": Route(on.general.export, slow=True),
        "cancel": Route(on.answers.cancel),
        "name": Route(on.services.name, by_number=on.accounts.by_first_number),
    }


def _buttons(on: Handlers) -> dict[str, Route]:
    """Return the buttons' routes, by the first word of their callback data."""
    return {
        "list": Route(on.searching.pages(on.invoices.turn)),
        "together": Route(on.together.turn),
        "filter": Route(on.searching.pages(on.invoices.filters, filtering=True)),
        "less": Route(on.searching.less),
        "jump": Route(on.jumping.jump),
        "more": Route(on.invoices.more),
        "show": Route(on.invoices.invoice),
        "pdf": Route(on.documents.pdf, slow=True),
        "xml": Route(on.documents.xml, slow=True),
        "pdfs": Route(on.batches.these, slow=True),
        "all": Route(on.batches.all, slow=True),
        "send": Route(on.batches.send, slow=True),
        "stop": Route(on.batches.stop),
        "some": Route(on.document_ticks.begin),
        "ticked": Route(on.document_ticks.send, slow=True),
        "archive": Route(on.packs.change),
        "pack": Route(on.packs.order),
        "packperiod": Route(on.packs.ask_for_period),
        "packstop": Route(on.packs.stop),
        "pay": Route(on.payments.pay),
        "payall": Route(on.payments.pay_these),
        "removecredit": Route(on.payments.remove_credit),
        "journal": Route(on.payments.journal),
        "credit": Route(on.payments.tell_when_there),
        "several": Route(on.payments.offer_several),
        "tick": Route(on.payments.tick_first),
        "pick": Route(on.selections.in_time(on.selections.pick)),
        "leaf": Route(on.selections.in_time(on.selections.leaf)),
        "drop": Route(on.selections.in_time(on.selections.drop)),
        "close": Route(on.payments.drop_unbegun),
        "yes": Route(on.payments.confirm),
        "no": Route(on.payments.cancel),
        "payers": Route(on.groups.payers_answer),
        "own": Route(on.groups.use_own),
        "snooze": Route(on.snoozing.snooze),
        "mute": Route(on.snoozing.mute),
        "wake": Route(on.snoozing.wake),
        "check": Route(on.general.check, slow=True),
        "row": Route(on.services.row),
        "calendar": Route(on.calendars.press),
        "invite": Route(on.groups.invite),
        "name": Route(on.services.ask_for_name),
        "topup": Route(on.topping_up.how),
        "reference": Route(on.topping_up.reference_button),
        "set": Route(on.settings.press),
        "language": Route(on.settings.language),
        "account": Route(on.accounts.press),
        "token": Route(on.linking.token_answer),
        "unlink": Route(on.linking.unlink_answer, for_everybody=True),
    }


def watch_membership(
    application: Application,  # type: ignore[type-arg]
    chats: ChatStore,
    clock: Clock,
    tracker: UpdateTracker,
    greeter: Greeter,
) -> None:
    """Let a chat rest when the bot is blocked or removed, and wake it when the bot is back. Greet a group on joining.

    While the database is away, give the update back: Telegram says this only once, and no person will ask again.
    """

    async def note(change: ChatMemberUpdated) -> None:
        chat_id, bot = change.chat.id, change.new_chat_member
        if bot.status in {ChatMemberStatus.BANNED, ChatMemberStatus.LEFT}:
            await chats.rest(chat_id, bot.status)
        elif not isinstance(bot, ChatMemberRestricted) or bot.can_send_messages:
            await chats.wake(chat_id, clock())

    async def changed(update: Update, _: LibraryContext) -> None:
        if isinstance(update.my_chat_member, ChatMemberUpdated):
            try:
                with suppress(ChatUnreadable):  # it rests anyway
                    await note(update.my_chat_member)
                greeter.note_change(update.update_id, update.my_chat_member)
            except StoreAway:
                await asyncio.sleep(GIVE_BACK_DELAY)
                tracker.give_back(update.update_id)

    application.add_handler(ChatMemberHandler(changed, ChatMemberHandler.MY_CHAT_MEMBER))


def watch_migrations(
    application: Application,  # type: ignore[type-arg]
    chats: ChatStore,
    tracker: UpdateTracker,
    greeter: Greeter,
) -> None:
    """Move all that is stored of a group as soon as it becomes a supergroup.

    Telegram says so in the old chat and in the new one, in any order. While the database is away, give the update back.
    """

    async def migrated(update: Update, _: LibraryContext) -> None:
        message = update.message
        if message is None:
            return
        old_id, new_id = message.migrate_from_chat_id or message.chat.id, message.migrate_to_chat_id or message.chat.id
        greeter.note_migration(new_id)
        try:
            with suppress(ChatUnreadable):  # nothing of it can be moved
                await note_unreachable(chats, old_id, ChatMigrated(new_id))
        except StoreAway:
            await asyncio.sleep(GIVE_BACK_DELAY)
            tracker.give_back(update.update_id)

    application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & filters.StatusUpdate.MIGRATE, migrated))
