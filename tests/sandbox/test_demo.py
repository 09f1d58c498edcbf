"""``python -m bot demo``: a page if there is a terminal, or else a story."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bot.sandbox.demo import has_browser

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "bot", "demo", "--no-browser"]


@pytest.mark.parametrize(("language", "words"), [("en", "Invoice-300008.pdf"), ("de", "Rechnung-300008.pdf")])
def test_without_a_terminal_a_story_is_played_to_its_end(language: str, words: str) -> None:
    played = subprocess.run(
        [*DEMO, "--language", language], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (played.returncode, played.stderr) == (0, "")
    assert words in played.stdout


def test_in_a_terminal_one_address_is_printed_and_ctrl_c_ends_it() -> None:
    ours, theirs = os.openpty()
    # What runs in the background ignores Ctrl-C, and so would what it starts.
    demo = subprocess.Popen(
        ["env", "--default-signal=INT", *DEMO],
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        (address,) = re.findall(r"http://\S+", demo.stdout.readline())
        with urllib.request.urlopen(address) as page:
            assert b"<!doctype html>" in page.read()
        demo.send_signal(signal.SIGINT)
        output, errors = demo.communicate(timeout=20)
    finally:
        demo.kill()
        demo.communicate()
        os.close(ours)
        os.close(theirs)
    assert (demo.returncode, errors) == (0, "")
    assert "http" not in output


def test_with_a_port_the_page_is_served_without_a_terminal_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    with subprocess.Popen(
        [*DEMO, "--port", port], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as demo:
        try:
            assert demo.stdout is not None
            assert f"Open http://127.0.0.1:{port}/#ada" in demo.stdout.readline()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
                assert b"<!doctype html>" in page.read()
        finally:
            demo.kill()


@pytest.mark.parametrize(
    ("environment", "platform", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "1 2 3 4"}, "linux", False),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_before_somebody_s_eyes(
    environment: dict[str, str], platform: str, opens: bool
) -> None:
    assert has_browser(environment, platform) == opens


def test_a_port_that_is_taken_ends_the_demo_with_one_sentence() -> None:
    ours, theirs = os.openpty()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        demo = subprocess.run(
            [*DEMO, "--port", port], cwd=ROOT, stdin=theirs, capture_output=True, text=True, check=False, timeout=30
        )
    os.close(ours)
    os.close(theirs)
    assert (demo.returncode, demo.stdout) == (1, "")
    assert demo.stderr == f"Error: Port {port} can't be had. Choose another with --port.\n"
