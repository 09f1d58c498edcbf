"""The routing: every command of the menu has a handler, and the bot tells Telegram at the start what it wants."""

from __future__ import annotations

import json

import pytest
from telegram.ext import CommandHandler

from bot.application import InvoiceBot
from bot.chat.profile import publish_profile
from bot.chat.texts import load_translations
from bot.chat.update_tracker import ALLOWED_UPDATES
from bot.chat.views.general import COMMANDS, REFERENCE, description, short_description
from bot.domain.chats import LANGUAGES
from bot.domain.payments import PaymentRules
from bot.factories import build_telegram
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.settings import Settings
from bot.store.store import Store
from tests.chat.conversation import ask
from tests.chat.fakes import FakeProvider, Time, fake_providers
from tests.chat.samples import BERLIN


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


async def test_an_empty_chat_says_what_the_bot_does_in_the_reader_s_language(
    telegram: SandboxTelegram, invoice_bot: InvoiceBot
) -> None:
    texts = telegram.state.menus
    english, german = texts.text("description", "fr"), texts.text("description", "de")
    assert english.startswith("I keep an eye on your hosting invoices")
    assert "pay with your credit" in english
    assert german.startswith("Ich behalte deine Hosting-Rechnungen im Auge")
    assert texts.text("short_description", "en").startswith("Reminds you")
    assert texts.text("short_description", "de").startswith("Erinnert dich")


async def test_a_description_that_is_there_is_not_set_again(
    settings: Settings, telegram: SandboxTelegram, invoice_bot: InvoiceBot
) -> None:
    assert len(telegram.calls_of("setMyDescription")) == 2
    await publish_profile(invoice_bot.telegram.bot, invoice_bot.translations)
    assert len(telegram.calls_of("setMyDescription")) == 2
    assert len(telegram.calls_of("setMyShortDescription")) == 2
    telegram.state.menus.set_text("description", "de", "from long ago")
    await publish_profile(invoice_bot.telegram.bot, invoice_bot.translations)
    assert len(telegram.calls_of("setMyDescription")) == 3
    assert telegram.state.menus.text("description", "de").startswith("Ich behalte")


async def test_a_description_that_can_not_be_set_is_only_logged(
    telegram: SandboxTelegram, invoice_bot: InvoiceBot
) -> None:
    telegram.faults.server_error(method="getMyDescription", times=None)
    await publish_profile(invoice_bot.telegram.bot, invoice_bot.translations)


@pytest.mark.parametrize("language", LANGUAGES)
def test_descriptions_have_room_in_telegram_and_promise_no_payment_that_is_off(language: str) -> None:
    paying, reading = (load_translations("EUR", BERLIN, paying=PaymentRules(on=on))[language] for on in (True, False))
    assert len(description(paying)) <= 512
    assert len(short_description(paying)) <= 120
    assert "💳" in description(paying)
    assert "💳" not in description(reading)
