"""Three replicas on one PostgreSQL survive kills, freezes, restarts and outages. See tests/chaos."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos.world import run


@pytest.mark.timeout(600)
async def test_alerts_checks_payments_and_polls_keep_their_promises_whatever_fails(tmp_path: Path) -> None:
    seed = int(time.time())
    figures = await run(tmp_path, timedelta(minutes=2), seed)
    assert figures.violations == [], f"seed {seed}\n{figures}"
    assert figures.conflicts == 0
    assert figures.told > 50
    assert figures.answered > 50
    assert figures.paid > 20
    assert figures.happened["kill of the poller"]
    assert figures.happened["outage"]
