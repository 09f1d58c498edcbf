"""The sandbox's Bot API through python-telegram-bot: methods, limits and the server's own words."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import pytest
import segno
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    MessageEntity,
    ReplyParameters,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, InvalidToken, NetworkError

from bot.sandbox.clock import SandboxClock
from bot.sandbox.telegram import BOT_TOKEN, MAX_UPLOAD_BYTES, ActionShown, Chat, Person, SandboxTelegram


def keyboard(data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton("Pay", callback_data=data)]])


# --- The bot itself -------------------------------------------------------------------------------------------------


async def test_the_bot_knows_itself(bot: Bot, telegram: SandboxTelegram) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.is_bot) == (telegram.bot.id, telegram.bot.username, True)
    assert me.can_read_all_group_messages is False


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [("1000000001:" + "B" * 35, 401, "Unauthorized"), ("nonsense", 404, "Not Found")],
)
async def test_another_token_is_refused(url: str, token: str, status: int, words: str) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/bot{token}/getMe")
    assert answer.status_code == status
    assert answer.json() == {"ok": False, "error_code": status, "description": words}


async def test_a_revoked_token_is_an_invalid_one(bot: Bot, telegram: SandboxTelegram) -> None:
    telegram.token = "1000000001:" + "C" * 35
    with pytest.raises(InvalidToken, match="Unauthorized"):
        await bot.get_me()


async def test_an_unknown_method_is_not_found(bot: Bot) -> None:
    with pytest.raises(InvalidToken, match="Not Found: method not found"):
        await bot.get_forum_topic_icon_stickers()


async def test_commands_are_kept_by_scope_and_language(bot: Bot, telegram: SandboxTelegram, chat: Chat) -> None:
    ada, bob = telegram.add_user("Ada", language_code="de"), telegram.add_user("Bob", language_code="en")
    german, english = [BotCommand("pay", "bezahlen")], [BotCommand("pay", "pay")]
    await bot.set_my_commands(english)
    await bot.set_my_commands(german, language_code="de")
    private, private_chat = BotCommandScopeAllPrivateChats(), telegram.private_chat(bob)
    await bot.set_my_commands([BotCommand("link", "link")], scope=private)
    await bot.set_my_commands([BotCommand("only", "here")], scope=BotCommandScopeChat(chat.id))

    assert await bot.get_my_commands(language_code="de") == tuple(german)
    assert [command.name for command in bob.menu(private_chat)] == ["link"]
    assert [command.name for command in ada.menu(chat)] == ["only"]
    await bot.delete_my_commands(scope=private)
    assert [command.description for command in ada.menu(telegram.private_chat(ada))] == ["bezahlen"]
    assert [command.description for command in bob.menu(private_chat)] == ["pay"]
    assert await bot.get_my_commands(scope=private) == ()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("Pay-now", "pay"), "Bot_command_invalid"),
        (("", "pay"), "Command must be non-empty"),
        (("p" * 33, "pay"), "Command length must not exceed 32"),
        (("pay", " "), "Command description must be non-empty"),
        (("pay", "p" * 257), "Command description length must not exceed 256"),
    ],
)
async def test_a_bad_command_is_refused(bot: Bot, command: tuple[str, str], words: str) -> None:
    with pytest.raises(BadRequest, match=rf"^{words}$"):
        await bot.set_my_commands([BotCommand(*command)])


async def test_descriptions_are_kept_by_language(bot: Bot) -> None:
    await bot.set_my_description("Reminds of invoices")
    await bot.set_my_description("Erinnert an Rechnungen", language_code="de")
    await bot.set_my_short_description("Invoices")
    assert (await bot.get_my_description("de")).description == "Erinnert an Rechnungen"
    assert (await bot.get_my_description("fr")).description == "Reminds of invoices"
    assert (await bot.get_my_short_description()).short_description == "Invoices"


# --- Sending --------------------------------------------------------------------------------------------------------


async def test_a_message_arrives_formatted(
    bot: Bot, telegram: SandboxTelegram, chat: Chat, clock: SandboxClock
) -> None:
    sent = await bot.send_message(
        chat.id,
        "<b>7.95&nbsp;€</b> 💶 <a href='https://example.org/?a=1&amp;b=2'>shop</a> &lt;ok&gt; /pay",
        parse_mode=ParseMode.HTML,
        reply_markup=keyboard("pay:1"),
        disable_notification=True,
        protect_content=True,
    )
    message = chat.messages[-1]
    assert message.text == sent.text == "7.95&nbsp;€ 💶 shop <ok> /pay"
    assert {sent.parse_entity(entity) for entity in sent.entities} == {"7.95&nbsp;€", "shop", "/pay"}
    assert sent.entities[1].url == "https://example.org/?a=1&b=2"
    assert sent.reply_markup == keyboard("pay:1")
    assert (sent.has_protected_content, message.silent) == (True, True)
    assert sent.date == message.date.replace(microsecond=0)
    assert message.sender is telegram.bot


async def test_entities_may_come_without_a_parse_mode(bot: Bot, chat: Chat) -> None:
    sent = await bot.send_message(chat.id, "😀 due", entities=[MessageEntity("bold", 3, 3)])
    assert sent.parse_entity(sent.entities[0]) == "due"


async def test_a_text_of_4096_characters_after_parsing_is_sent_and_one_more_refused(bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, f"<b>{'&amp;' * 4096}</b>", parse_mode=ParseMode.HTML)
    assert len(chat.messages[-1].text) == 4096
    with pytest.raises(BadRequest, match=r"^Message is too long$"):
        await bot.send_message(chat.id, "x" * 4097)
    with pytest.raises(BadRequest, match=r"^Message is too long$"):
        await bot.send_message(chat.id, "😀" * 2049)  # two UTF-16 code units each


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Message text is empty"), (" \n", "Text must be non-empty"), ("<b> </b>", "Text must be non-empty")],
)
async def test_an_empty_text_is_refused(bot: Bot, chat: Chat, text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        await bot.send_message(chat.id, text, parse_mode=ParseMode.HTML)


async def test_bad_html_is_refused_with_the_place(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match=r'(?i)can\'t parse entities: unsupported start tag "kunde" at byte offset 4'):
        await bot.send_message(chat.id, "ü: <kunde>", parse_mode=ParseMode.HTML)
    assert chat.messages == []


async def test_callback_data_of_64_bytes_is_taken_and_one_more_refused(bot: Bot, chat: Chat) -> None:
    await bot.send_message(chat.id, "ok", reply_markup=keyboard("ü" * 32))
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(chat.id, "no", reply_markup=keyboard("ü" * 32 + "x"))


async def test_a_button_without_an_action_is_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match=r"(?i)text buttons are unallowed in the inline keyboard"):
        await bot.send_message(chat.id, "no", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("x")]]))


async def test_a_button_without_a_text_is_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match=r"^Inline keyboard button text must be non-empty$"):
        await bot.send_message(
            chat.id, "no", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton(" ", callback_data="x")]])
        )


@pytest.mark.odd_calls
@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("{", "can't parse reply keyboard markup JSON object"),
        ("[]", "object expected as reply markup"),
        ('{"inline_keyboard": 1}', 'field "inline_keyboard" must be of type Array'),
        (
            '{"inline_keyboard": [1]}',
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
    ],
)
async def test_a_keyboard_of_another_form_is_refused(url: str, chat: Chat, markup: str, words: str) -> None:
    fields = {"chat_id": str(chat.id), "text": "no", "reply_markup": markup}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/bot{BOT_TOKEN}/sendMessage", data=fields)
    assert answer.json() == {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}


async def test_a_reply_holds_what_it_replies_to(bot: Bot, ada: Person, chat: Chat) -> None:
    asked = ada.send(chat, "How much?")
    sent = await bot.send_message(chat.id, "7.95 €", reply_parameters=ReplyParameters(asked.id))
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "How much?"
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(chat.id, "again", reply_parameters=ReplyParameters(999))


# --- Documents ------------------------------------------------------------------------------------------------------


async def test_a_document_arrives_and_can_be_fetched_and_sent_again(bot: Bot, chat: Chat) -> None:
    caption = "<i>Invoice</i>"
    sent = await bot.send_document(chat.id, b"%PDF-1.7", filename="Rg 1.pdf", caption=caption, parse_mode="HTML")
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("Rg 1.pdf", 8)
    assert sent.document.mime_type == "application/pdf"
    assert (sent.caption, sent.caption_entities[0].type) == ("Invoice", "italic")
    file = await bot.get_file(sent.document.file_id)
    assert await file.download_as_bytearray() == b"%PDF-1.7"

    again = await bot.send_document(chat.id, sent.document.file_id)
    assert again.document == sent.document
    assert chat.messages[-1].document is chat.messages[-2].document


async def test_an_upload_may_be_attached_or_streamed(bot: Bot, chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "invoices.zip"
    path.write_bytes(b"PK" + bytes(300_000))
    with path.open("rb") as opened:
        await bot.send_document(chat.id, InputFile(opened, read_file_handle=False, attach=True))
    document = chat.messages[-1].document
    assert document is not None
    assert (document.name, len(document.content)) == ("invoices.zip", 300_002)


async def test_a_caption_of_1024_characters_is_taken_and_one_more_refused(bot: Bot, chat: Chat) -> None:
    await bot.send_document(chat.id, b"x", caption="c" * 1024)
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_document(chat.id, b"x", caption="c" * 1025)


async def test_an_upload_over_50_megabytes_is_refused_with_a_page(
    bot: Bot, chat: Chat, telegram: SandboxTelegram
) -> None:
    with pytest.raises(NetworkError, match=r"(?i)request entity too large"):
        await bot.send_document(chat.id, bytes(MAX_UPLOAD_BYTES + 1))
    with pytest.raises(NetworkError, match=r"(?i)request entity too large"):
        await bot.send_document(chat.id, bytes(MAX_UPLOAD_BYTES + 2_000_000))
    assert [call.status for call in telegram.calls_of("sendDocument")] == [413, 413]
    assert chat.messages == []


async def test_empty_and_unknown_files_are_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match="File must be non-empty"):
        await bot.send_document(chat.id, b"")
    with pytest.raises(BadRequest, match="Wrong file identifier"):
        await bot.send_document(chat.id, "BQADnothing")


async def test_a_picture_is_sent_as_a_photo_and_other_bytes_are_refused(bot: Bot, chat: Chat) -> None:
    code = io.BytesIO()
    segno.make_qr("4711").save(code, kind="png", scale=10)
    sent = await bot.send_photo(chat.id, code.getvalue(), caption="<b>Pay</b>", parse_mode="HTML")
    assert (sent.caption, sent.document) == ("Pay", None)
    assert [(size.width, size.height) for size in sent.photo] == [(290, 290)]
    assert chat.messages[-1].photo
    with pytest.raises(BadRequest, match="Image_process_failed"):
        await bot.send_photo(chat.id, b"%PDF-1.7")
    with pytest.raises(BadRequest, match="caption is too long"):
        await bot.send_photo(chat.id, code.getvalue(), caption="c" * 1025)


async def test_a_button_has_one_of_three_styles_or_none(bot: Bot, chat: Chat) -> None:
    def styled(style: str | None) -> InlineKeyboardMarkup:
        return InlineKeyboardMarkup([[InlineKeyboardButton("Pay", callback_data="pay", style=style)]])

    for style in ("success", "danger", "primary", None):
        sent = await bot.send_message(chat.id, "?", reply_markup=styled(style))
        assert sent.reply_markup == styled(style)
        assert chat.messages[-1].button("Pay").style == (style or "")


async def test_a_button_copies_up_to_256_characters(bot: Bot, chat: Chat, ada: Person) -> None:
    def copying(text: str) -> InlineKeyboardMarkup:
        return InlineKeyboardMarkup([[InlineKeyboardButton("Copy", copy_text=CopyTextButton(text))]])

    sent = await bot.send_message(chat.id, "IBAN", reply_markup=copying("x" * 256))
    assert sent.reply_markup == copying("x" * 256)
    assert chat.messages[-1].button("Copy").copied == "x" * 256
    with pytest.raises(LookupError):
        ada.press(chat.messages[-1], "Copy")
    for text in ("", "x" * 257):
        with pytest.raises(BadRequest, match="Button_copy_text_invalid"):
            await bot.send_message(chat.id, "IBAN", reply_markup=copying(text))


async def test_a_chat_action_is_shown(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    with telegram.subscribe() as changes:
        await bot.send_chat_action(chat.id, ChatAction.UPLOAD_DOCUMENT)
        shown = [await anext(changes) for _ in range(3)]
    assert ActionShown(chat, "upload_document", None) in shown


@pytest.mark.odd_calls
async def test_an_unknown_chat_action_is_refused(bot: Bot, chat: Chat) -> None:
    with pytest.raises(BadRequest, match="Wrong parameter action in request"):
        await bot.send_chat_action(chat.id, "dancing")


# --- The record -----------------------------------------------------------------------------------------------------


async def test_calls_are_recorded_with_parameters_and_outcome(bot: Bot, chat: Chat, telegram: SandboxTelegram) -> None:
    await bot.send_message(chat.id, "hello", reply_markup=keyboard("pay:1"))
    with pytest.raises(BadRequest):
        await bot.send_message(1, "hello")
    good, bad = telegram.calls_of("sendMessage")
    assert (good.chat_id, good.text("text"), good.status) == (chat.id, "hello", 200)
    assert good.structure("reply_markup", "markup")["inline_keyboard"][0][0]["callback_data"] == "pay:1"
    assert (bad.status, bad.description) == (400, "Bad Request: chat not found")
