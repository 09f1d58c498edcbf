"""Take docs/demo.png, the README's picture: the demo's page after a minute of use. `make picture` runs this."""

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
    """Use the page as a newcomer would, then take a picture of it."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Taking the picture needs Chromium, which is not installed. On Debian: apt-get install chromium")
    async with running_demo() as demo, open_page(demo) as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--headless", "--no-sandbox"])
        page = await browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
        await page.goto(f"{address}/#ada")
        await use(page)
        await page.mouse.move(0, 0)
        await page.screenshot(path=PICTURE)
        await browser.close()


async def use(page: Page) -> None:
    """Link, get the alert of a new invoice and its PDF, and ask to pay it."""
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
