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

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "bot", "demo"]


@pytest.mark.parametrize(("language", "words"), [("en", "Ada"), ("de", "bezahlt")])
def test_without_a_terminal_a_story_is_played_to_its_end(language: str, words: str) -> None:
    played = subprocess.run(
        [*DEMO, "--language", language], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (played.returncode, played.stderr) == (0, "")
    assert words in played.stdout
    assert "Rechnung-300008.pdf" in played.stdout


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
