"""The picture: a real PNG of the right size, drawn in another process, within a time limit."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from bot.chat.texts import load_catalogue, load_translations
from bot.domain.chats import LANGUAGES
from bot.files.charts import FAMILY, FONT, HEIGHT, WIDTH
from bot.files.drawing import Drawing
from bot.ports import Bars, Chart

MONTHS = ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez")
CHART = Chart(
    "Ausgaben 2026 und 2025, in EUR",
    MONTHS,
    (Bars("Hosting 2026", "Hosting 2025", 0, (7.95,) * 10 + (-3.0, 0.0), (5.0,) * 12),),
    ((-5.0, "-5"), (0.0, "0"), (5.0, "5"), (10.0, "10")),
)


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    return int(width), int(height)


async def test_a_picture_is_drawn_without_the_systems_fonts() -> None:
    picture = await Drawing(60).draw(CHART)
    assert picture is not None
    assert size_of(picture) == (WIDTH, HEIGHT)
    bare = await Drawing(60).draw(replace(CHART, title=" ", months=("",) * 12))
    assert bare is not None
    assert len(picture) - len(bare) > 2000  # letters were drawn


async def test_the_font_has_every_letter_that_can_be_asked_of_it() -> None:
    font = TTFont(FONT)
    letters = {
        letter
        for language in LANGUAGES
        for key in ("stats.chart", "stats.kind.hosting", "stats.kind.domain", "stats.kind.other")
        for letter in load_catalogue(language).gettext(key)
    }
    translations = load_translations("EUR", UTC)
    letters |= {letter for t in translations.values() for month in range(1, 13) for letter in t.month_label(month)}
    assert font["name"].getDebugName(1) == FAMILY
    assert {*map(ord, letters | {*"0123456789.,-−'’ "})} <= font.getBestCmap().keys()


async def test_a_drawing_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "slow.py"
    program.write_text("import time\ntime.sleep(600)\n")
    drawing = Drawing(0.5, program)
    assert await drawing.draw(CHART) is None
    assert await drawing.draw(CHART) is None  # nothing was left locked


@pytest.mark.parametrize("code", ["raise ValueError('broken')", "pass", "import sys; sys.exit(3)"])
async def test_a_drawing_that_fails_is_no_picture(tmp_path: Path, code: str) -> None:
    program = tmp_path / "broken.py"
    program.write_text(code)
    assert await Drawing(30, program).draw(CHART) is None


async def test_the_process_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456789:secret")
    program = tmp_path / "tell.py"
    program.write_text("import os, sys\nsys.stdout.write(repr(dict(os.environ)))\n")
    told = await Drawing(30, program).draw(CHART)
    assert told is not None
    assert b"secret" not in told
