"""Chats share connections to Telegram. No chat's answer ever counts as another's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from telegram import Bot
from telegram.error import NetworkError

from bot.factories import build_telegram
from bot.settings import Settings
from tests.provider.wire import head_of, listen

CHATS = (1001, 1002, 1003)


def sent_to(chat: int) -> bytes:
    return answer({"message_id": chat, "date": 0, "chat": {"id": chat, "type": "private"}, "text": "hello"})


def answer(result: object) -> bytes:
    body = json.dumps({"ok": True, "result": result}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def chat_of(reader: asyncio.StreamReader) -> int:
    """Read a request, and return the chat that it names."""
    head = await head_of(reader)
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    body = await reader.readexactly(int(length[1]) if length else 0)
    found = re.search(rb"\"chat_id\": (\d+)", body)
    return int(found[1]) if found else 0


@asynccontextmanager
async def bot_of(settings: Settings, port: int) -> AsyncIterator[Bot]:
    url = f"http://127.0.0.1:{port}"
    bot = build_telegram(replace(settings, telegram_api_url=url)).bot
    requests = bot._request  # initializing the bot itself would call getMe
    for request in requests:
        await request.initialize()
    yield bot
    for request in requests:
        await request.shutdown()


@pytest.mark.parametrize("pause", [0, 0.02])
async def test_an_answer_that_comes_twice_counts_for_its_own_chat_only(settings: Settings, pause: float) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chat := await chat_of(reader):
            writer.write(sent_to(chat))
            await asyncio.sleep(0.005)
            writer.write(sent_to(chat))

    async with listen(twice) as port, bot_of(settings, port) as bot:
        for chat in CHATS * 2:
            assert (await bot.send_message(chat, "hello")).chat_id == chat
            await asyncio.sleep(pause)


async def test_an_answer_about_another_chat_is_no_answer(settings: Settings) -> None:
    async def always_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await chat_of(reader):
            writer.write(sent_to(CHATS[0]))

    async with listen(always_the_first) as port, bot_of(settings, port) as bot:
        assert (await bot.send_message(CHATS[0], "hello")).chat_id == CHATS[0]
        with pytest.raises(NetworkError, match="another chat_id"):
            await bot.send_message(CHATS[1], "hello")


async def test_an_answer_about_another_message_or_person_is_no_answer(settings: Settings) -> None:
    answers = [
        answer({"message_id": 8, "date": 0, "chat": {"id": CHATS[0], "type": "private"}, "text": "hello"}),
        answer({"status": "administrator", "user": {"id": 8, "is_bot": False, "first_name": "Bob"}}),
        answer({"id": CHATS[1], "type": "group", "accent_color_id": 0, "max_reaction_count": 0}),
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await chat_of(reader):
            writer.write(answers.pop(0))

    async with listen(serve) as port, bot_of(settings, port) as bot:
        with pytest.raises(NetworkError, match="another message_id"):
            await bot.edit_message_text("hello", CHATS[0], 7)
        with pytest.raises(NetworkError, match="another user_id"):
            await bot.get_chat_member(CHATS[0], 7)
        with pytest.raises(NetworkError, match="another chat_id"):
            await bot.get_chat(CHATS[0])


UNASKED = {
    "an answer sent twice": sent_to(CHATS[2]),
    "a 408 on an idle connection": b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
    "a late 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "more bytes": b"\r\n\r\n{",
}


@pytest.mark.parametrize("kind", UNASKED)
@pytest.mark.parametrize("pause", [None, 0.005])
async def test_what_telegram_sends_unasked_is_no_answer(settings: Settings, kind: str, pause: float | None) -> None:
    """Neither at once with an answer nor while the connection is idle."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chat := await chat_of(reader):
            if pause is None:
                writer.write(sent_to(chat) + UNASKED[kind])
                continue
            writer.write(sent_to(chat))
            await asyncio.sleep(pause)
            writer.write(UNASKED[kind])

    async with listen(serve) as port, bot_of(settings, port) as bot:
        for chat in CHATS * 2:
            assert (await bot.send_message(chat, "hello")).chat_id == chat
            await asyncio.sleep(0.02 if pause else 0)
