"""How often a chat's file is touched on an alert's way: each step reads it once, and writes it at most once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.fakes import invoice
from tests.services.world import DUE, HOUR, World
from tests.store.backends import folder_of

FILE = "chats/1.json"


async def test_from_the_check_that_finds_news_to_the_message_noted_as_sent_four_reads_and_three_writes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.link()
    world.clock.move(HOUR)
    world.account.put(invoice(8, DUE))
    folder = folder_of(world.store).folder
    accesses: list[str] = []
    read, apply = folder.read, folder.apply

    def counted_read(name: str) -> bytes | None:
        accesses.extend(["read"] * (name == FILE))
        return read(name)

    def counted_apply(changes: Mapping[str, bytes | None]) -> None:
        accesses.extend(["write"] * (FILE in changes))
        apply(changes)

    monkeypatch.setattr(folder, "read", counted_read)
    monkeypatch.setattr(folder, "apply", counted_apply)
    await world.check()
    assert accesses == ["read", "read", "write"]  # the check is claimed, then finished
    await world.deliver()
    assert world.numbers() == [8]
    assert accesses[3:] == ["read", "write", "read", "write"]  # the message is claimed, then noted as sent
