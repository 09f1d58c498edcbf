"""The page's emoji font holds every emoji that the bot and the page use, and is small."""

from __future__ import annotations

from fontTools.ttLib import TTFont

from scripts.emoji import FONT, PLAIN, used


def test_every_emoji_that_is_used_is_in_the_font() -> None:
    missing = {sign for sign in used() if ord(sign) not in TTFont(FONT).getBestCmap()}
    assert not missing, f"{missing}: scripts/emoji.py adds them"
    assert used() >= {"🧾", "🔔", "✅"}
    assert not PLAIN & used()


def test_the_font_is_small_and_has_its_licence_beside_it() -> None:
    assert FONT.stat().st_size < 200_000
    assert "SIL Open Font License" in (FONT.parent / "LICENSE.txt").read_text(encoding="utf-8")
