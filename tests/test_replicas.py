"""Three replicas on one PostgreSQL, through kills, freezes, restarts and outages: see tests/chaos.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import run


@pytest.mark.timeout(240)
async def test_whatever_breaks_all_is_told_once_checked_on_time_paid_once_and_polled_by_one(tmp_path: Path) -> None:
    figures = await run(tmp_path, seconds=25, seed=6)
    assert figures.faults == []
    assert figures.conflicts == 0
    assert figures.alerts > 10
    assert figures.questions > 10
    assert figures.payments > 0
    assert figures.takeovers  # at least its first taker; whether a kill met the poller is chance
    assert figures.happened["kill"]
    assert figures.happened["cut_off"]
