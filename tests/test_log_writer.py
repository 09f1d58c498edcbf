"""Lines are written in order by a thread, and nobody waits for a reader that has stopped reading."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot import logs
from bot.log_writer import LogWriter
from bot.sandbox.sandbox import Sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import ask, environment_of

pytestmark = pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="only Linux has small pipes")

SMALL_PIPE = 4096
"""Bytes. The least that a pipe can hold."""


class Pipe:
    """A pipe that is only read when a test wants it."""

    def __init__(self) -> None:
        self._out, self.descriptor = os.pipe()
        fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, SMALL_PIPE)

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += os.read(self._out, size - len(found))
        return found

    def close(self) -> None:
        os.close(self._out)
        os.close(self.descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def numbered(count: int) -> list[bytes]:
    return [b"%07d\n" % number for number in range(count)]


def test_lines_are_written_whole_and_in_their_order(pipe: Pipe) -> None:
    writer = LogWriter(lambda _: None)
    lines = [*numbered(100), b"x" * SMALL_PIPE * 3 + b"\n", b"the end\n"]
    for line in lines:
        writer.put(pipe.descriptor, line)
    assert pipe.read(sum(map(len, lines))) == b"".join(lines)
    assert writer.flush(10)


def test_nobody_waits_while_nobody_reads_and_all_lines_come_once_somebody_does(pipe: Pipe) -> None:
    writer = LogWriter(lambda _: None)
    lines = numbered(10 * SMALL_PIPE // 8)
    for line in lines:
        writer.put(pipe.descriptor, line)
    assert not writer.flush(0.01)
    assert pipe.read(8 * len(lines)) == b"".join(lines)
    assert writer.flush(10)


def test_what_is_too_much_is_dropped_and_said_where_it_is_missing(pipe: Pipe) -> None:
    writer = LogWriter(lambda count: writer.put(pipe.descriptor, b"-%06d\n" % count), max_waiting=800)
    for line in numbered(10_000):
        writer.put(pipe.descriptor, line)
    expected, gaps = 0, 0
    while expected < 10_000:
        found = int(pipe.read(8))
        gaps += found < 0
        assert found == expected or found < 0
        expected += 1 if found >= 0 else -found
    assert expected == 10_000
    assert gaps
    writer.put(pipe.descriptor, b"as before\n")
    assert pipe.read(10) == b"as before\n"


def test_a_reader_that_is_gone_stops_nobody() -> None:
    out, descriptor = os.pipe()
    os.close(out)
    writer = LogWriter(lambda _: None)
    for line in numbered(10):
        writer.put(descriptor, line)
    assert writer.flush(10)
    os.close(descriptor)


def test_a_file_that_others_made_non_blocking_gets_every_line(pipe: Pipe) -> None:
    os.set_blocking(pipe.descriptor, False)
    writer = LogWriter(lambda _: None)
    lines = numbered(5 * SMALL_PIPE // 8)
    for line in lines:
        writer.put(pipe.descriptor, line)
    assert pipe.read(8 * len(lines)) == b"".join(lines)


def test_the_logs_go_through_it_where_standard_error_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", file)
        logs.configure("INFO", "console", ["a-secret-word"])
        for number in range(3):
            structlog.get_logger("bot").info("heard ü", number=number, word="a-secret-word")
        logs.flush()
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert [re.findall(r"number=(\d)", line) for line in lines] == [["0"], ["1"], ["2"]]
    assert all("heard ü" in line and "a-secret-word" not in line for line in lines)


def test_a_process_without_standard_error_logs_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("INFO", "console")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        structlog.get_logger("bot").info("nobody hears this")


async def test_a_bot_whose_standard_error_nobody_reads_goes_on_answering_and_stops_when_asked(
    sandbox: Sandbox, ada: Person, chat: Chat, tmp_path: Path
) -> None:
    pipe = Pipe()
    environment = environment_of(sandbox, tmp_path) | {"LOG_LEVEL": "DEBUG"}
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", env=environment, cwd=tmp_path, stderr=pipe.descriptor
    )
    try:
        for _ in range(25):
            await ask(chat, ada, "/help", "/invoices")
        assert len(pipe.read(SMALL_PIPE)) == SMALL_PIPE
        for _ in range(5):
            await ask(chat, ada, "/help", "/invoices")
        bot.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(bot.wait(), 20) == 0
    finally:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()
        pipe.close()


async def test_all_that_was_logged_is_written_when_the_process_ends(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.telegram.token = "1000000001:AAanother-token-made-at-BotFather-0"
    bot = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "run",
        env=environment_of(sandbox, tmp_path),
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
    )
    _, written = await asyncio.wait_for(bot.communicate(), 30)
    assert bot.returncode == 1
    lines = [line for line in written.decode().splitlines() if "bot is" in line or line.startswith("Error: ")]
    assert ["starting" in lines[0], "stopping" in lines[1], lines[2][:7]] == [True, True, "Error: "]
