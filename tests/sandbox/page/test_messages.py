"""Messages on the page look and behave as in a phone's app. The test itself plays the bot."""

from __future__ import annotations

import struct
import zlib

import pytest
import pytest_asyncio
from playwright.async_api import expect
from telegram import Bot, ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters

from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.telegram import Chat
from tests.sandbox.page.screen import Screen

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def chat(demo: DemoWorld, screen: Screen) -> Chat:
    """Ada's chat with the bot, started and open."""
    await screen.page.locator(".instead").click()
    await expect(screen.last).to_contain_text("/start")
    return demo.sandbox.telegram.private_chat(demo.people[0])


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label) for label in labels]])


async def pressed(bot: Bot) -> str:
    """Return the id of the latest press that the bot has received."""
    query = (await bot.get_updates(offset=-1, timeout=5))[-1].callback_query
    assert query is not None
    return query.id


def picture() -> bytes:
    """Return a red dot as a PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + b"\xe0\x30\x30" * 8 for _ in range(8)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


async def test_formatting_is_shown_and_html_within_a_text_stays_text(screen: Screen, bot: Bot, chat: Chat) -> None:
    html = (
        "<b>bold <i>both</i></b> <u>under</u> <s>gone</s> <code>code</code> 😀 <a href='https://example.org/'>link</a>"
        "<blockquote>quoted</blockquote>&lt;img src=x onerror=alert(1)&gt; <tg-spoiler>secret</tg-spoiler>"
    )
    await bot.send_message(chat.id, html, parse_mode="HTML")
    text = screen.last.locator(".text")
    await expect(text).to_contain_text("<img src=x onerror=alert(1)>")
    assert await text.locator("img").count() == 0
    for tag, words in {"strong": "bold both", "strong em": "both", "u": "under", "s": "gone", "code": "code"}.items():
        await expect(text.locator(tag)).to_have_text(words)
    await expect(text.locator("blockquote")).to_have_text("quoted")
    link = text.locator("a")
    await expect(link).to_have_text("link")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await text.locator(".spoiler").click()
    await expect(text.locator(".spoiler")).to_have_attribute("aria-pressed", "true")


async def test_what_is_hidden_stays_so_in_the_list_of_chats_in_notices_and_in_quotes(
    screen: Screen, bot: Bot, chat: Chat
) -> None:
    await screen.chat("Lighthouse").click()
    sent = await bot.send_message(chat.id, "Invoice 7: <tg-spoiler>7.95 €</tg-spoiler>", parse_mode="HTML")
    await expect(screen.notices).to_contain_text("Invoice 7: ▒▒▒▒ ▒")
    await expect(screen.chat("Invoice bot")).to_contain_text("Invoice 7: ▒▒▒▒ ▒")
    await screen.chat("Invoice bot").click()
    await bot.send_message(chat.id, "It is paid.", reply_parameters=ReplyParameters(sent.message_id))
    await expect(screen.last.locator(".quote")).to_contain_text("Invoice 7: ▒▒▒▒ ▒")


async def test_a_protected_file_is_opened_and_not_saved(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_document(chat.id, b"%PDF-1.7", filename="a.pdf", protect_content=True)
    await expect(screen.last.locator(".protected")).to_be_visible()
    await expect(screen.last.locator(".open")).to_be_visible()
    assert await screen.last.locator(".save").count() == 0


async def test_an_address_other_than_http_is_no_link(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, '<a href="javascript:alert(1)">press me</a>', parse_mode="HTML")
    await expect(screen.last).to_contain_text("press me")
    assert await screen.last.locator("a").count() == 0


async def test_a_button_waits_until_it_is_answered_and_a_toast_comes(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "Really?", reply_markup=keyboard("yes", "no"))
    await screen.key("yes").click()
    await expect(screen.key("yes")).to_have_attribute("aria-busy", "true")
    await expect(screen.key("no")).to_have_attribute("aria-busy", "false")
    await bot.answer_callback_query(await pressed(bot), "Done")
    await expect(screen.key("yes")).to_have_attribute("aria-busy", "false")
    await expect(screen.notices).to_contain_text("Done")


async def test_an_alert_has_to_be_closed(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "Really?", reply_markup=keyboard("yes"))
    await screen.key("yes").click()
    await bot.answer_callback_query(await pressed(bot), "Not yours", show_alert=True)
    dialog = screen.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Not yours")
    await screen.page.keyboard.press("Enter")
    await expect(dialog).to_be_hidden()


async def test_an_edit_stays_in_its_place_and_is_marked(screen: Screen, bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "Really?", reply_markup=keyboard("yes"))
    await bot.send_message(chat.id, "Later")
    await sent.edit_text("Thank you")
    edited = screen.messages.nth(1)
    await expect(edited).to_contain_text("Thank you")
    await expect(edited.locator(".meta")).to_contain_text("edited")
    await expect(edited.locator(".key")).to_have_count(0)
    await expect(screen.last).to_contain_text("Later")


async def test_a_deleted_message_also_vanishes_from_quotes_of_it(screen: Screen, bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "The question")
    await bot.send_message(chat.id, "The answer", reply_parameters=ReplyParameters(sent.message_id))
    quote = screen.last.locator(".quote")
    await expect(quote).to_contain_text("The question")
    await quote.click()
    await expect(screen.messages.nth(1)).to_be_focused()
    await sent.delete()
    await expect(screen.messages).to_have_count(2)
    await expect(quote).to_contain_text("Deleted message")


async def test_a_person_can_reply_and_the_bot_can_force_a_reply(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "Which invoice?", reply_markup=ForceReply())
    await expect(screen.page.locator(".quoted")).to_contain_text("Which invoice?")
    await screen.say("4711")
    await expect(screen.last.locator(".quote")).to_contain_text("Which invoice?")
    await expect(screen.page.locator(".quoted")).to_be_hidden()
    await screen.messages.nth(1).hover()
    await screen.messages.nth(1).locator(".answer").click()
    await screen.say("and 4712")
    latest = await chat.wait_for(lambda m: m.text == "and 4712")
    assert latest.reply_to is not None
    assert latest.reply_to.text == "Which invoice?"


async def test_a_chat_action_is_shown_until_the_message_comes(screen: Screen, bot: Bot, chat: Chat) -> None:
    status = screen.page.locator(".who p")
    await expect(status).to_have_text("bot")
    await bot.send_chat_action(chat.id, "upload_document")
    await expect(status).to_have_text("sending a file …")
    await bot.send_document(chat.id, b"x", filename="note.txt", disable_notification=True)
    await expect(status).to_have_text("bot")
    await expect(screen.last.locator(".silent")).to_be_visible()


async def test_pictures_of_both_sides_are_shown(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_document(chat.id, picture(), filename="dot.png", caption="A dot")
    image = screen.last.locator("img")
    await expect(image).to_be_visible()
    assert await image.evaluate("node => node.decode().then(() => node.naturalWidth)") == 8
    await expect(screen.last.locator(".text")).to_have_text("A dot")
    file = {"name": "mine.png", "mimeType": "image/png", "buffer": picture()}
    await screen.page.locator('input[type="file"]').set_input_files(file)  # type: ignore[arg-type]
    mine = await chat.wait_for(lambda m: m.document is not None and m.document.name == "mine.png")
    assert mine.sender.first_name == "Ada"
    await expect(screen.last.locator("img")).to_be_visible()


async def test_a_deep_link_starts_the_bot_in_private_and_another_opens_a_tab(
    screen: Screen, bot: Bot, demo: DemoWorld, chat: Chat
) -> None:
    group = next(one for one in demo.chats if one.kind == "group")
    address = f"https://t.me/{demo.sandbox.telegram.bot.username}?start=group_42"
    rows = [[InlineKeyboardButton("Link", url=address)], [InlineKeyboardButton("Shop", url="https://example.org/")]]
    await bot.send_message(group.id, "Link this group", reply_markup=InlineKeyboardMarkup(rows))
    await screen.chat("Lighthouse").click()
    await expect(screen.last.locator("a.key")).to_have_attribute("target", "_blank")
    await screen.last.locator("button.key").click()
    assert (await chat.wait_for(lambda m: "group_42" in m.text)).text == "/start group_42"
    await expect(screen.last).to_contain_text("/start group_42")


async def test_commands_in_a_message_are_sent_by_a_press(screen: Screen, bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "Try /help")
    await screen.last.get_by_role("button", name="/help").click()
    await expect(screen.last.locator(".text")).to_have_text("/help")
    assert chat.messages[-1].text == "/help"


async def test_the_log_follows_new_messages_unless_it_is_scrolled_up(screen: Screen, bot: Bot, chat: Chat) -> None:
    for number in range(30):
        await bot.send_message(chat.id, f"Message {number}")
    await expect(screen.last).to_contain_text("Message 29")
    await expect(screen.last).to_be_in_viewport()
    await screen.page.locator(".log").evaluate("node => node.scrollTo(0, 0)")
    await bot.send_message(chat.id, "The latest")
    await expect(screen.last).to_contain_text("The latest")
    await expect(screen.last).not_to_be_in_viewport()
    await screen.page.locator(".to-end").click()
    await expect(screen.last).to_be_in_viewport()


async def test_a_chat_keeps_its_unsent_text(screen: Screen, chat: Chat) -> None:
    await screen.field.fill("half a sentence")
    await screen.chat("Lighthouse").click()
    await expect(screen.field).to_have_value("")
    await screen.chat("Invoice bot").click()
    await expect(screen.field).to_have_value("half a sentence")


async def test_a_pinned_message_stands_above_the_others_and_a_press_leads_to_it(
    screen: Screen, bot: Bot, chat: Chat
) -> None:
    sent = await bot.send_message(chat.id, "📌 Nothing to pay\nLast check: today")
    for number in range(30):
        await bot.send_message(chat.id, f"Message {number}")
    await bot.pin_chat_message(chat.id, sent.message_id)
    bar = screen.page.locator(".pinned")
    await expect(bar).to_contain_text("📌 Nothing to pay · Last check: today")
    await expect(screen.page.locator(".service").last).to_have_text("The bot pinned a message")
    pinned = screen.messages.filter(has_text="Nothing to pay")
    await expect(pinned).not_to_be_in_viewport()
    await bar.click()
    await expect(pinned).to_be_in_viewport()
    await bot.delete_message(chat.id, sent.message_id)
    await expect(bar).to_be_hidden()
