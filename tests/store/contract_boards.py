"""Contract of the pinned message: whoever holds the chat's messages notes which it is, and nobody else."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.alerts import AlertKind
from bot.domain.live_messages import Board
from bot.ports import Store
from tests.store.examples import CHAT, LEASE, MINUTE, NOW, Opener, claim_alert, find, linked, new_alert, new_link

LATE = NOW + 2 * MINUTE + LEASE
BOARD = Board(70, None, "a1b2", is_pinned=True)
MOVED = -1001


async def wanted(store: Store) -> None:
    link = await linked(store)
    await find(store, replace(new_alert(link, None, "board/1"), kind=AlertKind.BOARD))


class BoardContract:
    """The chat's pinned message."""

    async def test_it_is_noted_under_the_claim_and_survives_a_crash_and_a_new_link(self, opener: Opener) -> None:
        store = await opener.open()
        await wanted(store)
        claim, alert = await claim_alert(store)
        assert alert.kind is AlertKind.BOARD
        assert await store.board_shown(claim, BOARD)
        assert await store.claim_alerts(NOW + MINUTE, 10, LEASE) == []
        await opener.crash()
        store = await opener.open()
        assert (await store.chat(CHAT)).board == BOARD
        assert await store.link(new_link(store), {})
        assert (await store.chat(CHAT)).board == BOARD

    async def test_under_a_lost_claim_nothing_is_noted(self, opener: Opener) -> None:
        store = await opener.open()
        await wanted(store)
        claim, _ = await claim_alert(store)
        newer, _ = await claim_alert(store, LATE)
        assert not await store.board_shown(claim, BOARD)
        assert (await store.chat(CHAT)).board is None
        assert await store.board_shown(newer, BOARD)
        assert await store.board_shown(newer, None)
        assert (await store.chat(CHAT)).board is None

    async def test_it_is_forgotten_with_the_chats_old_id(self, opener: Opener) -> None:
        store = await opener.open()
        await wanted(store)
        claim, _ = await claim_alert(store)
        assert await store.board_shown(claim, BOARD)
        assert await store.alerts_sent(claim, None, ())
        await store.move_chat(CHAT, MOVED)
        assert (await store.chat(MOVED)).board is None
