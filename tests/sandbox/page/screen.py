"""What a person can see and do on the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Self

from playwright.async_api import Browser, Locator, Page, expect

WIDE, PHONE = (1280, 800), (390, 844)
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Screen:
    """A tab with the page in it."""

    page: Page

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, browser: Browser, address: str, size: tuple[int, int] = WIDE, scheme: Scheme = "light"
    ) -> AsyncIterator[Self]:
        """Open the page. At the end, fail if the browser's console has an error or a warning."""
        viewport = {"width": size[0], "height": size[1]}
        context = await browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page = await context.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto(address)
        await expect(page.locator("body[data-me]")).to_be_attached()
        yield cls(page)
        assert wrong == []
        await context.close()

    @property
    def field(self) -> Locator:
        return self.page.locator("#text")

    @property
    def messages(self) -> Locator:
        return self.page.locator(".message")

    @property
    def last(self) -> Locator:
        return self.messages.last

    @property
    def notices(self) -> Locator:
        return self.page.locator("#notices")

    def key(self, data: str) -> Locator:
        """The latest button whose callback data begins like this."""
        return self.page.locator(f'.key[data-key*=" {data}"]').last

    def chat(self, title: str) -> Locator:
        """A chat in the list."""
        return self.page.locator(".chats button", has=self.page.locator("b", has_text=title))

    def switch(self, name: str) -> Locator:
        """A fault's switch."""
        return self.page.locator(f'.switch input[name="{name}"]')

    async def turn(self, name: str, *, on: bool) -> None:
        """Turn a fault's switch, and wait until the sandbox has confirmed it."""
        async with self.page.expect_response("**/api/*"):
            await self.switch(name).set_checked(on)

    async def say(self, text: str) -> None:
        await self.field.fill(text)
        await self.field.press("Enter")

    async def be(self, name: str) -> None:
        """Become another person."""
        await self.page.locator(".person", has_text=name).click()
        await expect(self.page.locator(".person", has_text=name).locator("input")).to_be_checked()

    async def tab_to(self, target: Locator) -> None:
        """Move the focus there with the Tab key alone."""
        for _ in range(120):
            if await target.evaluate("node => node === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} can't be reached with the Tab key")
