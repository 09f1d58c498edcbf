"""Makes docs/demo.png, the picture in the README: the demo's page after a minute with it.

make picture
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from playwright.async_api import Page, async_playwright

from bot.sandbox.demo import running_demo
from bot.sandbox.demo_world import TOKEN
from bot.sandbox.page.app import open_page

PICTURE = Path(__file__).parents[1] / "docs" / "demo.png"
SIZE = {"width": 1280, "height": 800}


async def main() -> None:
    """Use the page as a newcomer would, and take a picture of it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("The picture is taken with Chromium, which is not installed here. On Debian: apt-get install chromium")
    async with running_demo() as demo, open_page(demo) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = await browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
        await page.goto(f"{address}/#ada")
        await use(page)
        await page.mouse.move(0, 0)
        await page.screenshot(path=PICTURE)
        await browser.close()


async def use(page: Page) -> None:
    """Link, be told of a new invoice, get its PDF, and be asked whether to pay."""
    await page.locator(".instead").click()
    await page.locator("#text").fill(f"/link {TOKEN}")
    await page.keyboard.press("Enter")
    await page.locator('.key[data-key*="list:"]').wait_for()
    await page.locator(".issue button").click()
    await page.locator('.key[data-key*="pdf:"]').last.click()
    await page.locator(".file").wait_for()
    await page.locator('.key[data-key*="pay:"]').last.click()
    await page.locator('.key[data-key*="yes:"]').wait_for()


if __name__ == "__main__":
    asyncio.run(main())
