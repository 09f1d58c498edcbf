"""The routing: every command of the menu has a handler, and the bot tells Telegram at the start what it wants."""

from __future__ import annotations

import json

from telegram.ext import CommandHandler

from bot.application import InvoiceBot
from bot.chat.update_tracker import ALLOWED_UPDATES
from bot.chat.views.general import COMMANDS, REFERENCE
from bot.factories import build_telegram
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.conversation import ask
from tests.chat.fakes import FakeProvider, Time, fake_providers


def test_every_command_of_the_menu_has_a_handler_and_start_beside_them(invoice_bot: InvoiceBot) -> None:
    handlers = [handler for group in invoice_bot.telegram.handlers.values() for handler in group]
    routed = {name for handler in handlers if isinstance(handler, CommandHandler) for name in handler.commands}
    assert routed == {*COMMANDS, REFERENCE, "start"}


async def test_the_bot_says_which_updates_it_wants(telegram: SandboxTelegram, invoice_bot: InvoiceBot) -> None:
    (call, *_) = await telegram.wait_until(lambda: telegram.calls_of("getUpdates") or None)
    assert json.loads(call.parameters["allowed_updates"]) == ALLOWED_UPDATES
    assert {"message", "edited_message", "callback_query", "my_chat_member"} == set(ALLOWED_UPDATES)


async def test_a_menu_that_can_not_be_set_does_not_stop_the_start(
    settings: Settings, store: Store, provider: FakeProvider, time: Time, telegram: SandboxTelegram, ada: Person,
    chat: Chat,
) -> None:  # fmt: skip
    telegram.faults.server_error(method="setMyCommands", times=None)
    bot = InvoiceBot(settings, store, fake_providers(provider), build_telegram(settings), time)
    await bot.start(86_400)
    try:
        await ask(ada, chat, "/help", "What I can do")
    finally:
        await bot.stop()
    assert ada.menu(chat) == ()
