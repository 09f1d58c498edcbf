"""The page's own texts: the same keys in every language, none missing and none unused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bot.domain.chats import LANGUAGES
from bot.sandbox.page.app import STATIC
from bot.sandbox.page.controls import PROVIDER_FAULTS, TELEGRAM_FAULTS

SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
ALL = sorted(path for path in STATIC.rglob("*") if path.is_file() and path.parent.name != "fonts")
MAX_LINES = 250


def texts(language: str) -> dict[str, str]:
    lines = re.findall(r'^ +(".+"):\s+(".+"),$', (STATIC / f"texts/{language}.js").read_text("utf-8"), re.MULTILINE)
    return {json.loads(key): json.loads(text) for key, text in lines}


def test_every_language_has_every_text_with_the_same_placeholders() -> None:
    gaps = [
        {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts(language).items()} for language in LANGUAGES
    ]
    assert gaps[0]
    assert all(found == gaps[0] for found in gaps)
    assert {path.stem for path in (STATIC / "texts").iterdir()} == set(LANGUAGES)


def test_every_text_in_use_exists_and_every_text_is_in_use() -> None:
    code = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    known = texts("en").keys()
    assert set(re.findall(r'\bt\("([\w.]+)"', code)) <= known
    patterns = [re.sub(r"\$\{[^}]+\}", r"[\\w.]+", found) for found in re.findall(r"`([\w.]+\$\{[^`]+)`", code)]
    for key in known:
        named = f'"{key}"' in code or any(re.fullmatch(pattern, key) for pattern in patterns)
        assert named, f"nobody uses {key}"


def test_every_fault_has_its_name_and_its_hint() -> None:
    for fault in [*PROVIDER_FAULTS, *TELEGRAM_FAULTS]:
        assert {f"faults.{fault}", f"faults.{fault}.hint"} <= texts("en").keys()


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_file_of_the_page_names_no_address_and_is_short(path: Path) -> None:
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://\w", text), "nothing is loaded from elsewhere"
    assert "innerHTML" not in text
    assert len(text.splitlines()) <= MAX_LINES
