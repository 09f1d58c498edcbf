"""Compare a move into a database and back with copying the files one by one, in one run.

    python -m benchmarks.move [chats]

Each chat knows 30 invoices. The plain way reads each file and writes a copy with fsync, as the embedded store does. A
move writes once and reads everything three times, because it compares at the end. It must return the same bytes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.store.backend import Backend
from bot.store.move import move
from bot.store.postgres.opening import open_database
from bot.store.tinydb.files import replace_file
from bot.store.tinydb.opening import open_folder, open_store
from bot.store.vault import Vault, new_key
from tests.store.cluster import temporary_cluster
from tests.store.examples import NOW, knowledge, new_link

KEY = new_key()


async def fill(folder: Path, chats: int) -> None:
    store = open_store(folder, [KEY], lambda: NOW)
    known = knowledge(*range(1, 31))
    for chat_id in range(1, chats + 1):
        await store.link(new_link(store, chat_id), known)
    await store.close()


def copy(folder: Path, target: Path) -> float:
    target.mkdir()
    began = time.perf_counter()
    for path in (folder / "chats").iterdir():
        replace_file(target / path.name, path.read_bytes())
    return time.perf_counter() - began


async def timed(source: Backend, target: Backend, vault: Vault) -> float:
    began = time.perf_counter()
    await move(source, target, vault, lambda *_: None)
    return time.perf_counter() - began


async def measure(url: str, root: Path, chats: int) -> None:
    await fill(root / "old", chats)
    plain = copy(root / "old", root / "copy")
    vault = Vault([KEY])
    with open_folder(root / "old", vault) as old, open_folder(root / "new", vault) as new:
        async with open_database(url, 4, 60) as database:
            over, back = await timed(old, database, vault), await timed(database, new, vault)
    for path in (root / "old" / "chats").iterdir():
        assert path.read_bytes() == (root / "new" / "chats" / path.name).read_bytes()
    print(f"{chats} chats: files copied in {plain:.1f} s")
    print(
        f"into the database {over:.1f} s ({over / plain:.1f} × plain), back {back:.1f} s ({back / plain:.1f} × plain)"
    )


def main() -> None:
    chats = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with temporary_cluster(fsync="on") as cluster, TemporaryDirectory() as root:
        asyncio.run(measure(cluster.make_database("benchmark"), Path(root), chats))


if __name__ == "__main__":
    main()
