"""Chats share connections to Telegram. No chat's answer ever counts as another's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from telegram import Bot
from telegram.error import NetworkError

from bot.factories import build_telegram
from bot.settings import Settings
from tests.provider.wire import head_of, listen

CHATS = (1001, 1002, 1003)


def sent_to(chat: int) -> bytes:
    message = {"message_id": chat, "date": 0, "chat": {"id": chat, "type": "private"}, "text": "hello"}
    body = json.dumps({"ok": True, "result": message}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def chat_of(reader: asyncio.StreamReader) -> int:
    """Read a request, and return the chat that it names."""
    head = await head_of(reader)
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    body = await reader.readexactly(int(length[1]) if length else 0)
    found = re.search(rb"chat_id=(\d+)", body)
    return int(found[1]) if found else 0


@asynccontextmanager
async def bot_of(settings: Settings, port: int) -> AsyncIterator[Bot]:
    url = f"http://127.0.0.1:{port}"
    bot = build_telegram(settings.model_copy(update={"telegram_api_url": url})).bot
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
        with pytest.raises(NetworkError, match="another chat"):
            await bot.send_message(CHATS[1], "hello")
