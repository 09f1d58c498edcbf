"""Whose turn it is: what is due by itself stands back behind what people ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.turns import Turn, present_turn
from tests.fakes import invoice
from tests.services.world import DAY, DUE, World


class Noting:
    """A port that notes whose turn each of its calls was."""

    def __init__(self, port: Any, turns: dict[str, Turn]) -> None:
        self._port = port
        self._turns = turns

    def __getattr__(self, name: str) -> Any:
        self._turns[name] = present_turn()
        return getattr(self._port, name)


@contextmanager
def turns_of(world: World) -> Iterator[dict[str, Turn]]:
    turns = dict[str, Turn]()
    world.wire(lambda port: Noting(port, turns))
    yield turns
    world.wire(lambda port: port)


async def test_a_check_that_is_due_stands_back_behind_customers(world: World) -> None:
    await world.link()
    world.noon(DUE)
    with turns_of(world) as turns:
        await world.check()
    assert [turns[name] for name in ("claim_checks", "list_invoices", "finish_check")] == [Turn.ALERT] * 3
    assert present_turn() is Turn.CUSTOMER


async def test_a_check_that_somebody_asks_for_does_not(world: World) -> None:
    await world.link()
    with turns_of(world) as turns:
        await asyncio.create_task(world.checker.check_now(await world.chat()))
    assert {turns[name] for name in ("claim_check", "list_invoices", "finish_check")} == {Turn.CUSTOMER}


async def test_an_alert_stands_back_behind_customers(world: World) -> None:
    await world.link()
    world.account.put(invoice(7, DUE))
    world.noon(DUE - DAY)
    await world.check()
    with turns_of(world) as turns:
        await world.deliver()
    assert {turns[name] for name in ("claim_alerts", "send_alerts", "alerts_sent")} == {Turn.ALERT}
