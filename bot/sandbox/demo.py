"""``python -m bot demo``: the real bot between the sandbox's two servers, and a chat with it in the terminal.

A short story is played first: link, alert, list, PDF, payment, reminder. Then, in a terminal, the chat is the
reader's own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.padding import Padding

from bot.application import configure_logs, running
from bot.errors import StartError
from bot.sandbox.provider_books import Account
from bot.sandbox.provider_faults import Fault
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import Chat, Message, Person
from bot.sandbox.terminal import Action, TerminalChat

TOKEN = "demo-token-0123456789"
READING_TIME = 1.5
"""Seconds between the steps of the story where somebody watches."""

PATIENCE = 30.0
"""Seconds that a step may take before the demo gives up."""


def play_in_terminal(language: str) -> None:
    """Play on standard output; the chat is left to the reader if there is one. Raises :class:`StartError`."""
    with suppress(KeyboardInterrupt):
        asyncio.run(play(language, Console(), stay=sys.stdin.isatty()))


async def play(language: str, console: Console, *, stay: bool) -> None:
    """Play the story, then with ``stay`` leave the chat to the reader. Raises :class:`StartError` where it is stuck."""
    with TemporaryDirectory(prefix="invoice-bot-") as folder:
        async with open_sandbox() as sandbox:
            settings = sandbox.settings(Path(folder) / "data", log_level="ERROR")
            configure_logs(settings)
            account = sandbox.provider.add_account(TOKEN, Decimal(50), with_examples=True)
            ada = sandbox.telegram.add_user("Ada", language_code=language)
            chat = sandbox.telegram.private_chat(ada)
            view = TerminalChat(
                sandbox.telegram, chat, ada, console, local=_levers(sandbox, account), folder=Path(folder)
            )
            async with running(settings, clock=sandbox.clock, tick=0.2):
                shown = asyncio.create_task(view.show())
                try:
                    await _Story(sandbox, account, ada, chat, console).tell()
                    if stay:
                        _say(console, "Now it is your turn: write to the bot, or a button's number. :help has more.")
                        await view.ask()
                finally:
                    shown.cancel()
                    await asyncio.gather(shown, return_exceptions=True)


class _Story:
    """The main job, one step after the other."""

    def __init__(self, sandbox: Sandbox, account: Account, ada: Person, chat: Chat, console: Console) -> None:
        self._sandbox = sandbox
        self._account = account
        self._ada = ada
        self._chat = chat
        self._console = console

    async def tell(self) -> None:
        provider, clock = self._sandbox.provider, self._sandbox.clock
        await self._chapter("Ada links the chat to her account. Her message with the token is deleted at once.")
        await self._send(f"/link {TOKEN}", lambda m: bool(m.buttons))
        await self._chapter("The provider writes a new invoice. The bot finds it and says so.")
        invoice = provider.create_invoice(self._account, Decimal("12.34"), 8, description="KVM Server L")
        about = str(invoice.id)
        alert = await self._wait(lambda m: about in m.text and _button(m, f"pay:{about}"))
        await self._chapter("She lists her invoices …")
        await self._send("/invoices", lambda m: _button(m, "list:"))
        await self._chapter("… gets the PDF of the new one …")
        self._ada.press(alert, f"pdf:{about}")
        await self._wait(lambda m: m.document is not None)
        await self._chapter("… and pays it with her credit. The bot asks first.")
        self._ada.press(alert, f"pay:{about}")
        question = await self._wait(lambda m: _button(m, "yes:"))
        self._ada.press(question, _data(question, "yes:"))
        await self._wait(lambda m: m.id == question.id and _button(m, "show:"))
        await self._chapter("Two days pass. The bot reminds her of what is overdue, and of what is about to be due.")
        last = self._chat.messages[-1]
        clock.put_forward(timedelta(days=2))
        await self._wait(lambda m: _button(m, "snooze:"), after=last)

    async def _send(self, text: str, answered: Callable[[Message], bool]) -> Message:
        sent = self._ada.send(self._chat, text)
        return await self._wait(answered, after=sent)

    async def _wait(self, fits: Callable[[Message], bool], after: Message | None = None) -> Message:
        try:
            return await self._chat.wait_for(
                lambda m: m.sender is not self._ada.user and fits(m), PATIENCE, after=after
            )
        except TimeoutError as error:
            raise StartError(f"The demo is stuck. {error}") from None

    async def _chapter(self, text: str) -> None:
        await self._pause()
        _say(self._console, text)

    async def _pause(self) -> None:
        await asyncio.sleep(READING_TIME if self._console.is_terminal else 0)


def _levers(sandbox: Sandbox, account: Account) -> dict[str, tuple[str, Action]]:
    """What moves the world around the bot, as the terminal's local commands."""

    async def day(_: str) -> str:
        sandbox.clock.put_forward(timedelta(days=1))
        return f"It is {sandbox.provider.today:%A, %d %B %Y} now."

    async def week(_: str) -> str:
        sandbox.clock.put_forward(timedelta(days=7))
        return f"It is {sandbox.provider.today:%A, %d %B %Y} now."

    async def invoice(words: str) -> str:
        amount, days = (*words.split(), "", "")[:2]
        with suppress(InvalidOperation, ValueError, OverflowError):
            made = sandbox.provider.create_invoice(account, Decimal(amount or "9.99"), int(days or 7))
            return f"The provider has written invoice {made.id}."
        return "Write it as :invoice AMOUNT DAYS, such as :invoice 9.99 7."

    async def down(_: str) -> str:
        sandbox.provider.faults.switch_on(Fault.DOWN)
        return "The provider is down. :up brings it back."

    async def up(_: str) -> str:
        sandbox.provider.faults.switch_off()
        return "The provider works."

    return {
        "day": ("lets a day pass", day),
        "week": ("lets a week pass", week),
        "invoice": ("makes the provider write an invoice, such as :invoice 9.99 7 (due in 7 days)", invoice),
        "down": ("lets the provider fail", down),
        "up": ("ends that", up),
    }


def _button(message: Message, data: str) -> bool:
    return any((button.data or "").startswith(data) for button in message.buttons)


def _data(message: Message, data: str) -> str:
    return next(button.data or "" for button in message.buttons if (button.data or "").startswith(data))


def _say(console: Console, text: str) -> None:
    console.print(Padding(text, (1, 0, 1, 0)), style="bold yellow")
