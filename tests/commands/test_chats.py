"""``chats`` on both stores: list, rest, wake and forget chats. Tokens are never shown."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bot.domain.payments import State
from bot.factories import open_embedded_store
from bot.ports import Store
from bot.settings import load_settings
from tests.commands.conftest import Run
from tests.commands.stores import with_store
from tests.store.examples import CHAT, OTHER, linked, new_payment, with_alerts


async def two_chats(store: Store) -> None:
    await linked(store, OTHER)
    await with_alerts(store, 1, 2)


def test_the_list_shows_chats_and_no_tokens(place: str, run: Run) -> None:
    with_store(two_chats)
    done = run("chats", "list")
    assert done.exit_code == 0
    head, first, second = done.stdout.splitlines()
    assert head.split()[:2] == ["chat", "account"]
    assert first.startswith(str(OTHER))
    assert second.startswith(str(CHAT))
    assert "secret-token" not in done.stdout


def test_the_list_shows_chats_that_cannot_be_read_and_tokens_that_do_not_open(folder: Path, run: Run) -> None:
    with_store(two_chats)
    (folder / "chats" / f"{CHAT}.json").write_text("{")
    other = folder / "chats" / f"{OTHER}.json"
    other.write_text(other.read_text().replace('"sealed_token":"1.', '"sealed_token":"2.'))
    done = run("chats", "list")
    assert done.exit_code == 0
    _, first, second = done.stdout.splitlines()
    assert "its token does not open" in first
    assert f"{CHAT}.json can't be read" in second
    assert [chat["problem"] is None for chat in json.loads(run("chats", "list", "--json").stdout)] == [False, False]
    assert run("chats", "forget", str(CHAT), "--yes").exit_code == 0
    assert len(run("chats", "list").stdout.splitlines()) == 2


def test_the_list_as_json_is_complete(place: str, run: Run) -> None:
    with_store(two_chats)
    other, chat = json.loads(run("chats", "list", "--json").stdout)
    assert (other["chat_id"], chat["chat_id"]) == (OTHER, CHAT)
    assert (chat["waiting"], chat["set_aside"], chat["resting"]) == (2, 0, None)


def test_a_group_can_be_rested_and_woken(place: str, run: Run) -> None:
    with_store(two_chats)
    assert run("chats", "rest", str(OTHER), "--reason", "asked by mail").exit_code == 0
    assert with_store(lambda store: store.chat(OTHER)).resting == "asked by mail"
    assert run("chats", "wake", str(OTHER)).stdout == f"Chat {OTHER} is awake.\n"
    assert run("chats", "wake", str(OTHER)).stdout == f"Chat {OTHER} was not resting.\n"


def test_a_chat_is_forgotten_after_a_confirmation(place: str, run: Run) -> None:
    with_store(two_chats)
    assert run("chats", "forget", str(CHAT), answer="n\n").exit_code == 1
    assert with_store(lambda store: store.chat(CHAT)).link is not None
    assert run("chats", "forget", str(CHAT), answer="y\n").exit_code == 0
    assert with_store(lambda store: store.chat(CHAT)).link is None
    assert with_store(lambda store: store.chat(OTHER)).link is not None


def test_a_chat_with_a_payment_under_way_is_not_forgotten(place: str, run: Run) -> None:
    async def paying(store: Store) -> None:
        await linked(store)
        await store.add_payment(new_payment())
        await store.advance_payment(new_payment(state=State.CONFIRMED), State.ASKED)

    with_store(paying)
    done = run("chats", "forget", str(CHAT), "--yes")
    assert done.exit_code == 1
    assert "is under way" in done.stderr
    assert with_store(lambda store: store.chat(CHAT)).link is not None


def test_an_unknown_chat_is_named(place: str, run: Run) -> None:
    for command in (["rest", "1"], ["wake", "1"], ["forget", "1", "--yes"]):
        done = run("chats", *command)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "No chat 1 is stored" in done.stderr


def test_a_folder_in_use_is_refused_with_an_explanation(folder: Path, run: Run) -> None:
    store = open_embedded_store(load_settings())
    done = run("chats", "list")
    asyncio.run(store.close())
    assert done.exit_code == 1
    assert "Another process is using the data folder" in done.stderr
