"""/help, /status, /check, /language, and what the bot does not understand."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.application import InvoiceBot
from bot.chat.views.general import COMMANDS
from bot.errors import AnswerNotUnderstood, PermissionMissing, ProviderDown, TokenRefused
from bot.sandbox.telegram import Chat, Person, SandboxTelegram
from bot.store.store import Store
from tests.chat.conversation import answers, ask, from_bot, link, said
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import DE, EN, invoice
from tests.chat.working import check_and_tell

pytestmark = pytest.mark.usefixtures("invoice_bot")


@pytest.fixture
def eva(telegram: SandboxTelegram) -> Person:
    return telegram.add_user("Eva", language_code="de")


# --- Menu and help --------------------------------------------------------------------------------------------------


async def test_the_menu_speaks_the_language_of_who_looks(
    telegram: SandboxTelegram, ada: Person, chat: Chat, eva: Person
) -> None:
    english = [(command.name, command.description) for command in ada.menu(chat)]
    german = [(command.name, command.description) for command in eva.menu(telegram.private_chat(eva))]
    assert english == [(name, EN.plain(f"command.{name}")) for name in COMMANDS if name != "payers"]
    assert german == [(name, DE.plain(f"command.{name}")) for name in COMMANDS if name != "payers"]


async def test_who_speaks_neither_language_is_served_in_english(telegram: SandboxTelegram) -> None:
    for code in ("fr", "zh-hans", None):
        person = telegram.add_user("Zoé", language_code=code)
        chat = telegram.private_chat(person)
        await ask(person, chat, "/help", "What I can do")
        assert person.menu(chat)[0].description == EN.plain("command.invoices")


async def test_help_says_whether_the_chat_is_linked(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/help", "not linked to an account yet", "/link")
    await link(ada, chat)
    await ask(ada, chat, "/help", "This chat is linked.")


# --- Status ---------------------------------------------------------------------------------------------------------


async def test_status_without_a_link_says_how_to_get_one(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/status", "not linked", "/link")


async def test_status_tells_of_link_and_checks(ada: Person, chat: Chat, time: Time) -> None:
    await link(ada, chat)
    status = await ask(ada, chat, "/status", "Linked since 22 Nov 2026, 10:30.")
    assert status.text.splitlines()[1:] == [
        "Last successful check: 22 Nov 2026, 10:30 (now).",
        "Next check: in 15 minutes.",
    ]
    time.forward(timedelta(minutes=5))
    later = await ask(ada, chat, "/status", "(5 minutes ago)")
    assert later.text.endswith("Next check: in 10 minutes.")


# --- /check ---------------------------------------------------------------------------------------------------------


async def test_a_check_says_what_is_open_and_its_news_come_as_alerts(
    ada: Person, chat: Chat, provider: FakeProvider, invoice_bot: InvoiceBot
) -> None:
    await link(ada, chat)
    provider.add(invoice(1), invoice(2))
    found = await ask(ada, chat, "/check", "Checked just now")
    assert found.text == "✅ Checked just now.\n2 open invoices, together €15.90"
    assert [button.data for button in found.buttons] == ["list:all.any.0.0"]
    await check_and_tell(invoice_bot)
    assert chat.messages[-1].text.startswith("🔔 2 updates on your invoices")


async def test_a_check_without_a_link_says_how_to_get_one(ada: Person, chat: Chat) -> None:
    await ask(ada, chat, "/check", "not linked", "/link")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (ProviderDown(), "can't be reached at the moment"),
        (TokenRefused(), "does not accept this token"),
        (PermissionMissing("access_invoices"), "lacks the permission"),
        (AnswerNotUnderstood("a page"), "an answer that I don't understand"),
        (RuntimeError("a bug"), "Something went wrong on my side"),
    ],
)
async def test_a_check_that_fails_says_why(
    ada: Person, chat: Chat, provider: FakeProvider, failure: Exception, words: str
) -> None:
    await link(ada, chat)
    provider.failures["list_invoices"] = failure
    await ask(ada, chat, "/check", words)


@pytest.mark.parametrize(("failure", "end"), [(None, "Checked just now"), (ProviderDown(), "can't be reached")])
async def test_who_asks_while_a_check_is_under_way_hears_so_and_how_it_ended(
    ada: Person,
    chat: Chat,
    provider: FakeProvider,
    invoice_bot: InvoiceBot,
    time: Time,
    failure: Exception | None,
    end: str,
) -> None:
    await link(ada, chat)
    gate = provider.gates["list_invoices"] = asyncio.Event()
    time.forward(timedelta(hours=1))
    await invoice_bot.services.checker.tick()
    await provider.reached()
    waits = await ask(ada, chat, "/check", "I'm checking your invoices right now.")
    if failure is not None:
        provider.failures["list_invoices"] = failure
    gate.set()
    await chat.wait_for(from_bot(end), after=waits)


async def test_after_a_refused_token_the_button_tries_again(
    ada: Person, chat: Chat, provider: FakeProvider, invoice_bot: InvoiceBot, time: Time
) -> None:
    await link(ada, chat)
    provider.failures["list_invoices"] = TokenRefused()
    for wait in (timedelta(hours=1), timedelta(minutes=5)):
        time.forward(wait)
        await check_and_tell(invoice_bot)
    alert = chat.messages[-1]
    assert "no longer accepts your token" in alert.text
    provider.failures.clear()
    ada.press(alert, "🔁 Try again")
    await chat.wait_for(from_bot("Checked just now"), after=alert)
    status = await ask(ada, chat, "/status", "Linked since")
    assert "no longer accepts" not in status.text


# --- Language -------------------------------------------------------------------------------------------------------


async def test_the_language_is_telegrams_until_one_is_chosen(eva: Person, telegram: SandboxTelegram) -> None:
    chat = telegram.private_chat(eva)
    await ask(eva, chat, "/help", "Was ich kann")
    await ask(eva, chat, "/language en", "Which language should I speak?")
    await ask(eva, chat, "/help", "What I can do")
    await ask(eva, chat, "/language auto", "Welche Sprache soll ich sprechen?")
    await ask(eva, chat, "/help", "Was ich kann")


async def test_the_buttons_choose_in_place(eva: Person, telegram: SandboxTelegram, store: Store) -> None:
    chat = telegram.private_chat(eva)
    choice = await ask(eva, chat, "/language", "Welche Sprache soll ich sprechen?")
    assert "• Wie in Telegram •" in [button.text for button in choice.buttons]
    await eva.press(choice, "English").answered()
    assert choice.text == "Which language should I speak?"
    assert {"• English •", "Deutsch", "Same as Telegram"} <= {button.text for button in choice.buttons}
    await eva.press(choice, "Same as Telegram").answered()
    assert "• Wie in Telegram •" in [button.text for button in choice.buttons]
    assert (await store.chat(chat.id)).language is None
    assert len(said(chat)) == 1


async def test_the_provider_is_asked_in_the_chosen_language(ada: Person, chat: Chat, provider: FakeProvider) -> None:
    await link(ada, chat)
    await ask(ada, chat, "/language DE", "Welche Sprache")
    await ask(ada, chat, "/invoices", "Deine Rechnungen")
    assert provider.languages[0] == "en"
    assert set(provider.languages[1:]) == {"de"}


@pytest.mark.parametrize("word", ["tlh", "<b>", "x" * 4000])
async def test_a_language_that_the_bot_does_not_speak(ada: Person, chat: Chat, word: str) -> None:
    answer = await ask(ada, chat, f"/language {word}", f"I don't speak “{word[:20]}", "Choose one")
    assert len(answer.text) < 200
    assert "• Same as Telegram •" in [button.text for button in answer.buttons]


async def test_a_change_of_telegrams_language_is_followed(ada: Person, chat: Chat, store: Store) -> None:
    await link(ada, chat)
    ada.user.language_code = "de"
    await ask(ada, chat, "/help", "Was ich kann")
    assert (await store.chat(chat.id)).reply_language == "de"


# --- What the bot does not understand ------------------------------------------------------------------------------


async def test_an_unknown_command_is_answered_with_help(ada: Person, chat: Chat) -> None:
    assert await answers(ada, chat, "/frobnicate now") == ["I don't know this command. /help lists all of them."]


async def test_free_text_is_answered_by_where_to_begin(ada: Person, chat: Chat) -> None:
    assert await answers(ada, chat, "hello?") == ["This chat is not linked to an account yet. Start with /link."]
    await link(ada, chat)
    (answer,) = await answers(ada, chat, "hello?")
    assert answer.startswith("🔍 Search: “hello”\nNo invoice matches.\n\nYou can search for")


async def test_a_file_is_answered_as_well(ada: Person, chat: Chat) -> None:
    await link(ada, chat)
    sent = ada.send_file(chat, "holiday.jpg", b"JFIF", "look")
    await chat.wait_for(from_bot("What are you looking for?"), after=sent)


async def test_a_button_that_nobody_knows_says_so(ada: Person, chat: Chat) -> None:
    choice = await ask(ada, chat, "/language", "Which language")
    for data in ("refund:4711", "languages:en", "{}", " "):
        answer = await ada.forge(choice, data).answered()
        assert (answer.text, answer.show_alert) == (EN.plain("button.unknown"), True)


async def test_an_edited_message_is_no_new_command(ada: Person, chat: Chat) -> None:
    sent = ada.send(chat, "/help")
    await chat.wait_for(from_bot("What I can do"), after=sent)
    ada.edit(sent, "/status")
    assert await answers(ada, chat, "/frobnicate") == ["I don't know this command. /help lists all of them."]
    assert not any("Linked since" in text for text in said(chat))


async def test_in_a_group_the_bot_speaks_only_when_it_is_spoken_to(ada: Person, telegram: SandboxTelegram) -> None:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "administrator")
    ada.send(group, "hello everybody")
    ada.send(group, "/frobnicate")
    ada.send(group, "/help@some_other_bot")
    await ask(ada, group, f"/help@{telegram.bot.username}", "What I can do")
    assert len(said(group)) == 1


async def test_in_a_topic_the_answer_comes_there(ada: Person) -> None:
    forum = ada.create_group("Forum", forum=True)
    ada.set_bot_status(forum, "member")
    topic = forum.add_topic("Invoices")
    answer = await ask(ada, forum, "/help", "What I can do", topic=topic)
    assert answer.topic_id == topic


async def test_a_reply_in_a_supergroup_is_no_topic(ada: Person) -> None:
    group = ada.create_group("Friends", supergroup=True)
    ada.set_bot_status(group, "member")
    first = ada.send(group, "hello")
    sent = ada.send(group, "/help", reply_to=first)
    answer = await group.wait_for(from_bot("What I can do"), after=sent)
    assert answer.thread_id is None
