"""Take the README's pictures from the demo's page. `make picture` runs this.

docs/demo.png is the page after a minute of use; the others are an alert, a payment, a search and a month's pack
on a phone.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from bot.sandbox.demo import running_demo
from bot.sandbox.demo_world import TOKEN
from bot.sandbox.page.app import open_page
from tests.programs import chromium

DOCS = Path(__file__).parents[1] / "docs"
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 700}
SETTLED = 1.0
"""Seconds."""


async def main() -> None:
    """Use the page as a newcomer would, and take pictures of it."""
    path = chromium()
    if path is None:
        sys.exit("The pictures need Chromium. Get it: make browser")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox"])
        async with opened(browser, WIDE) as page:
            await link(page)
            await use(page)
            await take(page, "demo")
        async with opened(browser, PHONE) as page:
            await page.locator(".chats button").first.click()
            await link(page)
            await page.locator(".to-panel:visible").click()
            await page.locator(".issue button").click()
            await page.keyboard.press("Escape")
            await page.locator('.key[data-key*="pay:"]').wait_for()
            await take(page, "alert")
            await page.locator('.key[data-key*="pay:"]').last.click()
            await page.locator('.key[data-key*="yes:"]').click()
            await page.locator('.key[data-key*="yes:"]').wait_for(state="detached")
            await page.locator(".text", has_text="is paid").wait_for()
            await take(page, "payment")
            await page.locator("#text").fill("open server")
            await page.keyboard.press("Enter")
            await page.locator('.key[data-key*="show:"]').last.wait_for()
            await take(page, "search")
            await page.locator("#text").fill("/archive November 2026")
            await page.keyboard.press("Enter")
            await page.locator(".file", has_text=".xlsx").wait_for()
            await take(page, "pack")
        await browser.close()


@asynccontextmanager
async def opened(browser: Browser, size: dict[str, int]) -> AsyncIterator[Page]:
    """Yield the page of a new demo."""
    async with running_demo() as demo, open_page(demo, 0) as address:
        page = await browser.new_page(viewport=size, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
        await page.goto(f"{address}/#ada")
        yield page
        await page.close()


async def take(page: Page, name: str) -> None:
    """Take a picture once nothing moves any more."""
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement.blur()")
    await expect(page.locator(".notice")).to_have_count(0, timeout=20_000)
    await asyncio.sleep(SETTLED)
    await page.screenshot(path=DOCS / f"{name}.png")


async def link(page: Page) -> None:
    await page.locator(".instead").click()
    await page.locator("#text").fill(f"/link {TOKEN}")
    await page.keyboard.press("Enter")
    await page.locator('.key[data-key*="list:"]').wait_for()


async def use(page: Page) -> None:
    """Get the alert of a new invoice and its PDF, and ask to pay it."""
    await page.locator(".issue button").click()
    await page.locator('.key[data-key*="pdf:"]').last.click()
    await page.locator(".file").wait_for()
    await page.locator('.key[data-key*="pay:"]').last.click()
    await page.locator('.key[data-key*="yes:"]').wait_for()


if __name__ == "__main__":
    asyncio.run(main())
