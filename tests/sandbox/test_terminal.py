"""The chat in the terminal: what is printed, and what typed lines do."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rich.console import Console
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, Message as TelegramMessage

from bot.sandbox.bubbles import formatted, size_text
from bot.sandbox.telegram import Chat, Entity, Person, SandboxTelegram
from bot.sandbox.terminal import TerminalChat, _Commands


@pytest.fixture(params=[60, 100])
def screen(request: pytest.FixtureRequest) -> Console:
    return Console(width=request.param, file=io.StringIO(), force_terminal=False)


@pytest.fixture
async def view(
    telegram: SandboxTelegram, chat: Chat, ada: Person, screen: Console, tmp_path: Path
) -> AsyncIterator[TerminalChat]:
    async def day(rest: str) -> str:
        return f"{rest or 'one'} later"

    view = TerminalChat(telegram, chat, ada, screen, local={"day": ("goes on by a day", day)}, folder=tmp_path)
    task = asyncio.create_task(view.show())
    yield view
    task.cancel()


async def printed(screen: Console) -> str:
    """What is on the screen once everything that has happened is shown."""
    for _ in range(3):
        await asyncio.sleep(0)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup.from_row([InlineKeyboardButton(label, callback_data=label) for label in labels])


async def offer(bot: Bot, chat: Chat, *labels: str) -> TelegramMessage:
    return await bot.send_message(chat.id, "Really?", reply_markup=keyboard(*labels))


async def test_the_bot_stands_left_and_the_person_right(
    view: TerminalChat, bot: Bot, chat: Chat, screen: Console
) -> None:
    await view.act("/start")
    await bot.send_message(chat.id, "<b>Hello</b> &amp; welcome", parse_mode="HTML")
    lines = (await printed(screen)).splitlines()
    mine = next(line for line in lines if "/start" in line)
    theirs = next(line for line in lines if "Hello & welcome" in line)
    assert mine.rstrip().endswith("│")
    assert mine.startswith(" " * (screen.width // 2))
    assert theirs.startswith("│ Hello")
    assert max(map(len, lines)) <= screen.width


async def test_a_number_presses_its_button(view: TerminalChat, bot: Bot, chat: Chat, screen: Console) -> None:
    await offer(bot, chat, "Confirm", "Cancel")
    assert "[1]\u00a0Confirm  [2]\u00a0Cancel" in await printed(screen)
    await view.act("2")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.data == "Cancel"
    await update.callback_query.answer("Cancelled")
    output = await printed(screen)
    assert "→ Cancel" in output
    assert "Cancelled" in output


async def test_an_edit_is_shown_and_takes_old_numbers_away(
    view: TerminalChat, bot: Bot, chat: Chat, screen: Console
) -> None:
    sent = await offer(bot, chat, "Confirm")
    await printed(screen)
    await sent.edit_text("Paying …", reply_markup=keyboard("Wait"))
    output = await printed(screen)
    assert "edited" in output
    assert "[2]\u00a0Wait" in output
    await view.act("1")
    assert chat.messages[-1].text == "1"  # no button any more, so it is said like anything else


@pytest.mark.usefixtures("view")
async def test_alerts_actions_and_deletions_are_shown(bot: Bot, ada: Person, chat: Chat, screen: Console) -> None:
    sent = await offer(bot, chat, "Pay")
    press = ada.press(chat.messages[-1], "Pay")
    await bot.answer_callback_query(press.id, "Not yours", show_alert=True)
    await bot.send_chat_action(chat.id, "upload_document")
    await sent.delete()
    output = await printed(screen)
    assert "Alert" in output
    assert "Not yours" in output
    assert "Invoice bot is sending a file …" in output
    assert "was deleted" in output


@pytest.mark.usefixtures("view")
async def test_a_document_is_saved_and_its_path_shown(bot: Bot, chat: Chat, screen: Console, tmp_path: Path) -> None:
    await bot.send_document(chat.id, b"%PDF" + bytes(48_000), filename="Rechnung-1.pdf", caption="Invoice 1")
    output = await printed(screen)
    (saved,) = tmp_path.iterdir()
    assert saved.read_bytes().startswith(b"%PDF")
    assert "Rechnung-1.pdf  48.0 kB" in output
    assert f"saved: {saved}\n" in output  # in one piece, to be copied


async def test_other_chats_are_not_shown(
    view: TerminalChat, telegram: SandboxTelegram, bot: Bot, screen: Console
) -> None:
    other = telegram.private_chat(telegram.add_user("Bob"))
    await bot.send_message(other.id, "for Bob only")
    assert "Bob" not in await printed(screen)


async def test_what_happened_before_the_end_is_still_shown(
    telegram: SandboxTelegram, ada: Person, chat: Chat, screen: Console
) -> None:
    shown = asyncio.create_task(TerminalChat(telegram, chat, ada, screen).show())
    await asyncio.sleep(0)
    ada.send(chat, "last words")
    shown.cancel()
    await asyncio.gather(shown, return_exceptions=True)
    assert "last words" in await printed(screen)


async def test_local_commands_stay_here(view: TerminalChat, chat: Chat, screen: Console) -> None:
    await view.act(":day two")
    await view.act(":nonsense")
    await view.act(":help")
    output = await printed(screen)
    assert "two later" in output
    assert "There is no :nonsense" in output
    assert "goes on by a day" in output
    assert chat.messages == []


async def test_asking_ends_with_quit_or_the_end_of_input(view: TerminalChat, chat: Chat) -> None:
    async def leave() -> str:
        return lines.pop(0)

    async def end() -> str:
        raise EOFError

    lines = ["hello\n", "  ", "/quit", "never read"]
    await view.ask(leave)
    assert ([message.text for message in chat.messages], lines) == (["hello"], ["never read"])
    await view.ask(end)


async def test_without_a_terminal_standard_input_is_read(
    view: TerminalChat, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("/start\n/help"))
    await view.ask()
    assert [message.text for message in chat.messages] == ["/start", "/help"]


async def test_a_blocked_bot_is_told_not_thrown(view: TerminalChat, ada: Person, screen: Console) -> None:
    ada.block()
    await view.act("hello?")
    assert "has blocked the bot" in await printed(screen)


async def test_commands_are_completed_from_the_bots_menu(view: TerminalChat, bot: Bot) -> None:
    await bot.set_my_commands([BotCommand("pay", "pay an invoice"), BotCommand("pdf", "get the PDF")])
    completer = _Commands(view._offers)

    def offered(typed: str) -> list[str]:
        return [c.text for c in completer.get_completions(Document(typed), CompleteEvent())]

    assert offered("/p") == ["/pay", "/pdf"]
    assert offered(":") == [":day", ":help"]
    assert offered("/pay 1") == []
    assert offered("hello") == []


def test_formatting_lies_on_the_right_characters() -> None:
    text = formatted("😀 due now", (Entity("bold", 3, 3), Entity("strikethrough", 7, 3)))
    assert [(span.start, span.end) for span in text.spans] == [(2, 5), (6, 9)]
    assert [str(span.style) for span in text.spans] == ["bold", "strike"]


def test_a_link_can_be_followed() -> None:
    text = formatted("the shop", (Entity("text_link", 4, 4, url="https://example.org"),))
    (span,) = text.spans
    assert getattr(span.style, "link", None) == "https://example.org"


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (4_000_000, "4.0 MB")])
def test_sizes_are_for_people(size: int, words: str) -> None:
    assert size_text(size) == words
