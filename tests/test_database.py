"""The whole bot on PostgreSQL works as on the embedded store. While the database is away, it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.application import running
from bot.errors import StartError
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.settings import Settings
from bot.store.vault import new_key
from tests.store.cluster import Cluster, temporary_cluster

AWAY = "can't get at my data"

SOON = 15.0
"""Seconds within which every answer must come."""


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture
def settings(sandbox: Sandbox, own_cluster: Cluster, tmp_path: Path) -> Settings:
    url = own_cluster.make_database("bot")
    return sandbox.settings(tmp_path / "data", token_keys=new_key(), database_url=url, database_timeout=2)


async def answer(person: Person, chat: Chat, text: str) -> Message:
    sent = person.send(chat, text)
    return await chat.wait_for(lambda message: message.sender.is_bot, SOON, after=sent)


async def ask_until_back(person: Person, chat: Chat) -> Message:
    """Ask until the answer no longer says that the store is away, and return it."""
    while AWAY in (message := await answer(person, chat, "/status")).text:  # noqa: ASYNC110  # the person asks again
        await asyncio.sleep(0.2)
    return message


async def test_a_command_is_answered_from_the_database(settings: Settings, ada: Person, chat: Chat) -> None:
    async with running(settings, tick=0.1):
        assert "Sprache" in (await answer(ada, chat, "/language de")).text
    async with running(settings, tick=0.1):
        assert "noch mit keinem Konto verknüpft" in (await answer(ada, chat, "/status")).text
    assert not settings.data_dir.exists()


async def test_while_the_database_is_away_commands_say_so_and_afterwards_they_work(
    settings: Settings, ada: Person, chat: Chat, own_cluster: Cluster
) -> None:
    with capture_logs() as logs:
        async with running(settings, tick=0.1):
            await answer(ada, chat, "/language de")
            own_cluster.stop()
            try:
                away = await answer(ada, chat, "/status")
                await asyncio.sleep(1)
            finally:
                own_cluster.start()
            back = await ask_until_back(ada, chat)
    assert AWAY in away.text
    assert "noch mit keinem Konto verknüpft" in back.text
    wrong = [entry["event"] for entry in logs if entry["log_level"] in {"warning", "error", "critical"}]
    assert wrong == ["database is away"]


async def test_a_token_sent_while_the_database_is_away_is_deleted_from_the_chat(
    settings: Settings, ada: Person, chat: Chat, own_cluster: Cluster
) -> None:
    async with running(settings, tick=0.1):
        await answer(ada, chat, "/language de")
        own_cluster.stop()
        try:
            away = await answer(ada, chat, "/link secret-token-0123456789abcdef")
        finally:
            own_cluster.start()
        await ask_until_back(ada, chat)
    assert AWAY in away.text
    assert not any("secret-token" in message.text for message in chat.messages)


async def test_a_start_without_keys_is_refused_with_an_explanation(settings: Settings) -> None:
    with pytest.raises(StartError, match="TOKEN_KEYS must be set too"):
        async with running(replace(settings, token_keys=())):
            pass
