"""Operator commands beside a chat whose row can't be read."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.errors import StartError
from tests.store.backends import database_of
from tests.store.examples import CHAT, OTHER, with_alerts
from tests.store.openers import PostgresOpener


async def test_an_unreadable_chat_hides_no_other(postgres_opener: PostgresOpener) -> None:
    store = await postgres_opener.open()
    await with_alerts(store, 1)
    await with_alerts(store, 2, chat_id=OTHER)
    await database_of(store).run(lambda cursor: cursor.execute("UPDATE chats SET link = '{}' WHERE id = %s", [OTHER]))
    with capture_logs() as logs:
        assert [(overview.chat_id, bool(overview.problem)) for overview in await store.overviews()] == [
            (OTHER, True),
            (CHAT, False),
        ]
        (alert,) = await store.alerts()
    assert await store.retry_alerts([alert.alert.id]) == 1
    assert {(entry["event"], entry["chat"]) for entry in logs} == {("chat can't be read", OTHER)}


async def test_an_unreadable_chat_differs_from_a_missing_one_and_can_be_forgotten(
    postgres_opener: PostgresOpener,
) -> None:
    store = await postgres_opener.open()
    await with_alerts(store, 1)
    await database_of(store).run(lambda cursor: cursor.execute("UPDATE chats SET link = '{}'"))
    with pytest.raises(StartError, match=f"Chat {CHAT} can't be read .*It can be forgotten"):
        await store.overview(CHAT)
    assert await store.forget(CHAT)
    assert await store.overview(CHAT) is None
