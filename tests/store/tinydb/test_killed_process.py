"""A real process is killed while it writes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.domain.chats import Preferences
from bot.store.tinydb.files import PENDING
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.backends import chat_in_file

WRITER = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from bot.domain.chats import Preferences, Silence
from bot.store.tinydb.opening import open_store
from tests.store.examples import HOUR, LEASE, checked, claim_check, known_invoice, new_alert, new_link, new_payment, NOW

async def main():
    store = open_store(Path(sys.argv[1]), [sys.argv[2]])
    here = (await store.chat(1)).id
    there = 3 - here
    link = (await store.chat(here)).link
    if link is None:
        link = new_link(store, here)
        await store.link(link, {})
        await store.set_preferences(here, Preferences(hour=7), NOW)
        await store.add_payment(new_payment(account=link.account, place=link.place))
    print("ready", flush=True)
    now = max(link.next_check_at, NOW) + HOUR
    for count in range(1_000_000):
        now += HOUR
        check = await claim_check(store, now)
        known = {number: replace(known_invoice(number), told=count) for number in range(20)}
        alert = new_alert(check.chat.link, 1, str(now), now)
        await store.finish_check(check.claim, checked(check, alert, now=now, known=known))
        await store.silence(here, link.account, {number: Silence(now) for number in range(20)}, now)
        await store.move_chat(here, there)
        here, there = there, here

asyncio.run(main())
"""


@pytest.mark.parametrize("seed", range(3))
async def test_a_process_killed_while_writing_leaves_a_consistent_state(tmp_path: Path, seed: int) -> None:
    folder, key = tmp_path / "data", new_key()
    wait = random.Random(seed).uniform(0.02, 0.15)
    for _ in range(2):
        command = [sys.executable, "-c", WRITER, str(folder), key]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(wait)
            writer.kill()
        store = open_store(folder, [key])
        (here,) = {chat.id for chat_id in (1, 2) if (chat := await store.chat(chat_id)).link}
        record = chat_in_file(store, here)
        assert record is not None
        assert record.link is not None
        assert len({invoice.told for invoice in record.known.values()}) <= 1
        assert len({silence.until for silence in record.silences.values()}) <= 1
        assert record.chat.preferences in {None, Preferences(hour=7)}
        assert {row.alert.place.chat_id for row in record.alerts} | {record.link.place.chat_id} == {here}
        payment = await store.payment("p1")
        assert payment is not None
        assert payment.place.chat_id == here
        assert not [path for path in folder.rglob("*") if path.suffix == ".tmp" or path.name == PENDING]
        await store.close()
