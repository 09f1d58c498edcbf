"""The comparison with the Bot API's description finds what deviates, and the description is as new as the library."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram.constants import BOT_API_VERSION

from bot.sandbox.telegram.app import _METHODS
from bot.sandbox.telegram.calls import Call, Upload
from tests.telegram_api.conformance import description, deviations, deviations_of_call

ADA = {"id": 1, "is_bot": False, "first_name": "Ada"}
CHAT = {"id": 1, "type": "private", "first_name": "Ada"}
MESSAGE: dict[str, Any] = {"message_id": 5, "date": 1_700_000_000, "chat": CHAT, "from": ADA, "text": "x"}


def request(method: str, *, uploads: dict[str, Upload] | None = None, result: object = None, **fields: str) -> Call:
    return Call(method, datetime.now(UTC), fields, uploads or {}, result=result)


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_the_description_is_at_least_as_new_as_the_library() -> None:
    assert version(description()["version"]) >= version(BOT_API_VERSION)


def test_the_sandbox_has_no_method_of_its_own() -> None:
    assert _METHODS.keys() <= description()["methods"].keys()


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (MESSAGE | {"txet": "x"}, "Message", "unknown field 'txet'"),
        ({"message_id": 5, "date": 1}, "Message", "'chat' is missing"),
        (MESSAGE | {"message_id": "5"}, "Message", "message.message_id: '5' is no Integer"),
        (MESSAGE | {"date": True}, "Message", "message.date: True is no Integer"),
        (MESSAGE | {"is_topic_message": False}, "Message", "False is no True"),
        (MESSAGE | {"chat": CHAT | {"type": "club"}}, "Message", "'club' is none of the described values"),
        (MESSAGE | {"entities": {}}, "Message", "is no array"),
        (MESSAGE | {"entities": [{"type": "bold", "offset": 0}]}, "Message", "entities[0]: 'length' is missing"),
        ({"status": "member"}, "ChatMember", "'user' is missing"),
        ({"status": "gone", "user": ADA}, "ChatMember", "'gone' is none of the described values"),
        (5, "Message|Boolean", "5 is no"),
    ],
)
def test_a_deviation_is_found_at_its_place(value: object, kind: str, words: str) -> None:
    assert any(words in text for text in deviations(value, kind, "message"))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (MESSAGE, "Message"),
        (MESSAGE, "Message|Boolean"),
        (True, "Message|Boolean"),
        ({"chat": CHAT, "message_id": 5, "date": 0}, "MaybeInaccessibleMessage"),
        ([{"status": "left", "user": ADA}, {"status": "creator", "user": ADA, "is_anonymous": False}],
         "Array of ChatMember"),
    ],
)  # fmt: skip
def test_what_is_described_passes(value: object, kind: str) -> None:
    assert deviations(value, kind, "value") == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (request("sendMesage"), "no such method"),
        (request("sendMessage", chat_id="1"), "'text' is missing"),
        (request("sendMessage", chat_id="1", text="x", reply_to="5"), "unknown field 'reply_to'"),
        (request("sendMessage", chat_id="1", text="x", disable_notification="yes"), "'yes' is no Boolean"),
        (request("sendMessage", chat_id="1", text="x", reply_markup='{"inline_keyboard": 1}'), "1 is no array"),
        (request("sendMessage", chat_id="1", text="x", entities="no JSON"), "'no JSON' is no array"),
        (request("sendDocument", chat_id="1"), "'document' is missing"),
        (request("getMe", result={"id": 1}), "answer to getMe: 'is_bot' is missing"),
        (
            request("sendMessage", chat_id="1", text="x", uploads={"text2": Upload("a", "", b"")}),
            "an upload 'text2' that nothing refers to",
        ),
    ],
    ids=lambda value: value.method if isinstance(value, Call) else value,
)
def test_a_request_or_an_answer_that_deviates_is_found(call: Call, words: str) -> None:
    assert any(words in text for text in deviations_of_call(call))


def test_a_text_may_look_like_a_number_and_a_file_may_be_an_upload_of_any_name() -> None:
    upload = Upload("a.pdf", "application/pdf", b"%PDF")
    assert deviations_of_call(request("sendMessage", chat_id="@ada", text="5", disable_notification="true")) == []
    assert deviations_of_call(request("sendDocument", chat_id="1", document="attach://x", uploads={"x": upload})) == []
    assert deviations_of_call(request("sendDocument", chat_id="1", uploads={"document": upload})) == []
