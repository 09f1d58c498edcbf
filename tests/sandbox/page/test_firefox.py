"""The page in Firefox, where it is installed: link, alert, a press, the server's end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.sandbox.demo_world import TOKEN, DemoWorld
from bot.sandbox.page.app import open_page
from tests.sandbox.page.firefox import FirefoxTab, firefox

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


async def say(tab: FirefoxTab, text: str) -> None:
    """Write into the text field and send it."""
    await tab.run(
        f"(field => {{ field.value = {json.dumps(text)}; field.dispatchEvent(new Event('input'));"
        " document.querySelector('.send').click(); return true; })(document.querySelector('#text'))"
    )


@pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed. On Debian: apt-get install firefox-esr")
async def test_the_page_works_in_firefox(demo: DemoWorld, at_work: None, tmp_path: Path) -> None:
    assert FIREFOX is not None
    async with firefox(FIREFOX, tmp_path) as tab:
        async with open_page(demo, 0) as address:
            await tab.open(f"{address}/#ada")
            await tab.wait_for("document.body.dataset.me === '0'")
            await tab.wait_for("document.querySelector('.empty').textContent.includes('hosting invoices')")
            await tab.run("document.querySelector('.instead').click()")
            await tab.wait_for("document.querySelectorAll('.message').length === 2")
            await say(tab, f"/link {TOKEN}")
            await tab.wait_for("document.querySelector('.key[data-key*=\" list:\"]')")
            assert TOKEN not in await tab.run("document.querySelector('.log').textContent")
            await tab.run("document.querySelector('.issue button').click()")
            await tab.wait_for("document.querySelector('.key[data-key*=\" pay:\"]')")
            await tab.run("document.querySelector('.key[data-key*=\" pay:\"]').click()")
            await tab.wait_for("document.querySelector('.key[data-key*=\" yes:\"]')")
            await tab.run("document.querySelector('.key[data-key*=\" yes:\"]').click()")
            await tab.wait_for("document.querySelector('.balance').textContent === '€37.66'")
            assert await tab.run("document.fonts.load('16px \"Page Emoji\"', '🧾').then((all) => all.length)") == 1
            assert tab.wrong == []
        await tab.wait_for("!document.querySelector('#banner').hidden")
        async with open_page(demo, urlsplit(address).port):
            await tab.wait_for("document.querySelector('#banner').hidden")
