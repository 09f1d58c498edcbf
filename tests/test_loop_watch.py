"""How long the event loop was held is measured, and shown for a minute."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bot import loop_watch
from bot.health import Report
from bot.metrics import Metrics


async def test_whoever_holds_the_loop_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_watch, "TELL_EVERY", 0.1)
    with capture_logs() as logged:
        watching = asyncio.create_task(loop_watch.watch_loop())
        await asyncio.sleep(0)
        time.sleep(0.2)  # nothing else can hold the loop
        await asyncio.sleep(0.01)
        watching.cancel()
    assert [event["event"] for event in logged] == ["event loop watched"]
    assert logged[0]["longest"] >= 0.15


def test_the_longest_hold_of_the_last_minute_is_shown() -> None:
    metrics = Metrics()

    def shown() -> float:
        text = metrics.render(Report(()), datetime.now(UTC)).decode()
        return float(
            next(line for line in text.splitlines() if "loop_longest_hold_seconds " in line and line[0] != "#").split()[
                1
            ]
        )

    assert shown() == 0
    metrics._read(None, "debug", {"event": "event loop watched", "longest": 0.2})
    for _ in range(5):
        metrics._read(None, "debug", {"event": "event loop watched", "longest": 0.01})
    assert shown() == 0.2
    metrics._read(None, "debug", {"event": "event loop watched", "longest": 0.01})
    assert shown() == 0.01
