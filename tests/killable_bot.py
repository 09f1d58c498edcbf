"""The bot as a process of its own, for tests that kill it. Its clock is ahead by the number of seconds given."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta

from bot.application import running
from bot.ports import utc_now
from bot.settings import load_settings

TICK = 0.05


async def main(ahead: timedelta) -> None:
    def clock() -> datetime:
        return utc_now() + ahead

    async with running(load_settings(), clock=clock, tick=TICK):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(timedelta(seconds=float(sys.argv[1]))))
