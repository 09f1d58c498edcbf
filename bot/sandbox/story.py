"""The demo as a story in text, from linking to paying: for machines without a browser, and for CI."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from textwrap import indent

from bot.errors import StartError
from bot.sandbox.demo_world import DemoWorld
from bot.sandbox.page.controls import Controls
from bot.sandbox.telegram import Chat, Message, Person

STEP_TIMEOUT = 30.0
"""Seconds that a step may take before the story is aborted."""

Write = Callable[[str], object]
"""Takes the story, one paragraph at a time."""


class Story:
    """One person's day with the bot."""

    def __init__(self, demo: DemoWorld, person: Person, write: Write) -> None:
        self._demo = demo
        self._controls = Controls(demo)
        self._person = person
        self._chat: Chat = demo.sandbox.telegram.private_chat(person)
        self._write = write

    async def tell(self) -> None:
        """Play the story. Raise :class:`StartError` if it gets stuck."""
        account, provider = self._demo.account, self._demo.sandbox.provider
        self._write(f"{self._name} links the chat to the company's account. The message with the token is deleted.")
        await self._send(f"/link {account.token}", lambda m: bool(m.buttons))
        self._write("The provider issues a new invoice. The bot finds it and sends an alert.")
        about = str(provider.create_invoice(account, Decimal("12.34"), 8, description="KVM Server L").id)
        alert = await self._wait(lambda m: about in m.text and _button(m, f"pay:{about}"))
        self._write(f"{self._name} lists the invoices …")
        await self._send("/invoices", lambda m: _button(m, "list:"))
        self._write("… gets the PDF of the new one …")
        self._press(alert, f"pdf:{about}")
        await self._wait(lambda m: m.document is not None)
        self._write("… and pays it with the account's credit. The bot asks first.")
        self._press(alert, f"pay:{about}")
        question = await self._wait(lambda m: _button(m, "yes:"))
        self._press(question, "yes:")
        await self._wait(lambda m: m.id == question.id and _button(m, "show:"))
        self._write("A week passes. The bot sends reminders of overdue invoices, and of those that are due soon.")
        last = self._chat.messages[-1]
        self._controls.pass_time("week")
        await self._wait(lambda m: bool(m.buttons), after=last)

    @property
    def _name(self) -> str:
        return self._person.user.first_name

    def _press(self, message: Message, data: str) -> None:
        button = next(button for button in message.buttons if (button.data or "").startswith(data))
        self._write(indent(f"({self._name} presses “{button.text}”)", "  "))
        self._person.press(message, button.data or "")

    async def _send(self, text: str, answered: Callable[[Message], bool]) -> Message:
        sent = self._person.send(self._chat, text)
        self._write(_written(sent))
        return await self._wait(answered, after=sent)

    async def _wait(self, fits: Callable[[Message], bool], after: Message | None = None) -> Message:
        try:
            found = await self._chat.wait_for(
                lambda m: m.sender is not self._person.user and fits(m), STEP_TIMEOUT, after=after
            )
        except TimeoutError as error:
            raise StartError(f"The demo is stuck. {error}") from None
        self._write(_written(found))
        return found


def _button(message: Message, data: str) -> bool:
    return any((button.data or "").startswith(data) for button in message.buttons)


def _written(message: Message) -> str:
    """Return a message as text for a terminal."""
    file = [f"📄 {message.document.name}"] if message.document else []
    text = [message.text] if message.text else []
    rows = ["  ".join(f"[{button.text}]" for button in row) for row in message.keyboard]
    return indent("\n".join([f"{message.sender.first_name}:", *file, *text, *rows]), "  │ ", lambda _: True)
