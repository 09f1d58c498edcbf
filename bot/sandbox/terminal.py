"""A chat in the terminal: shows what happens in it, and lets a person take part."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.sandbox.bubbles import Numbered, bubble, clock_time
from bot.sandbox.telegram import (
    ActionShown,
    Button,
    ButtonPressed,
    Change,
    Chat,
    Message,
    MessageDeleted,
    MessageEdited,
    MessageSent,
    Person,
    PressAnswered,
    SandboxTelegram,
    StoredFile,
)

QUIT = "/quit"
HELP = ":help"
Action = Callable[[str], Awaitable[str | None]]
"""A local command: takes what was typed behind its name, and may give a line to show."""

ReadLine = Callable[[], Awaitable[str]]
"""Gives the next line typed; raises :class:`EOFError` at the end."""


class TerminalChat:
    """A view of one chat for one person.

    ``local`` are commands typed with a leading colon, which stay on this machine: name → (help text, action).
    ``folder`` is where documents are saved (by default a new temporary one, made with the first document).
    """

    def __init__(
        self,
        telegram: SandboxTelegram,
        chat: Chat,
        person: Person,
        console: Console,
        *,
        local: Mapping[str, tuple[str, Action]] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._telegram = telegram
        self._chat = chat
        self._person = person
        self._console = console
        self._local = dict(local or {})
        self._folder = folder
        self._buttons: dict[int, tuple[Message, Button]] = {}
        self._last_number = 0
        self._day: date | None = None
        self._changes = telegram.subscribe()

    # --- Output -----------------------------------------------------------------------------------------------------

    async def show(self) -> None:
        """Print what happens in the chat, from the making of this view on; when cancelled, what is left to show."""
        try:
            async for change in self._changes:
                self._print(change)
        finally:
            self._changes.close()
            for change in self._changes.rest():
                self._print(change)

    def _print(self, change: Change) -> None:
        if getattr(change, "chat", None) is not self._chat:
            return
        match change:
            case MessageSent(message=message) | MessageEdited(message=message):
                self._print_message(message)
            case MessageDeleted(message=message):
                self._forget_buttons(message)
                self._note(f"{message.sender.first_name}’s message of {clock_time(message)} was deleted")
            case ButtonPressed(press=press) if press.user is self._person.user:
                pressed = next(
                    (button.text for button in press.message.buttons if button.data == press.data), press.data
                )
                self._note(f"→ {pressed}")
            case ActionShown(action=action):
                doing = "is typing" if action == "typing" else "is sending a file"
                self._note(f"{self._telegram.bot.first_name} {doing} …")
            case PressAnswered(press=press) if press.user is self._person.user and press.answer and press.answer.text:
                self._print_answer(press.answer.text, alert=press.answer.show_alert)
            case _:
                pass

    def _print_message(self, message: Message) -> None:
        self._print_day((message.edited_at or message.date).astimezone().date())
        rows = self._number(message)
        mine = message.sender is self._person.user
        self._console.print(bubble(message, self._console.width, rows, mine=mine))
        if message.document and not mine:
            path = self._save(message, message.document)
            self._console.print(Text(f"saved: {path}", Style(dim=True, link=path.as_uri())), soft_wrap=True)

    def _print_day(self, day: date) -> None:
        if day != self._day:
            self._day = day
            self._console.rule(Text(f"{day:%A, %d %B %Y}", style="dim"), style="dim")

    def _print_answer(self, text: str, *, alert: bool) -> None:
        if alert:
            self._console.print(Panel(Text(text), title="Alert", border_style="red", expand=False, padding=(0, 1)))
        else:
            self._console.print(Text(f"  {text}  ", style="reverse"))

    def _note(self, text: str) -> None:
        self._console.print(Text(text, style="dim"))

    def _number(self, message: Message) -> list[Numbered]:
        """Give a message's buttons new numbers. Old numbers of the same message no longer press anything."""
        self._forget_buttons(message)
        rows = []
        for row in message.keyboard:
            numbered: Numbered = []
            for button in row:
                self._last_number += 1
                self._buttons[self._last_number] = (message, button)
                numbered.append((self._last_number, button))
            rows.append(numbered)
        return rows

    def _forget_buttons(self, message: Message) -> None:
        self._buttons = {number: entry for number, entry in self._buttons.items() if entry[0] is not message}

    def _save(self, message: Message, document: StoredFile) -> Path:
        if self._folder is None:
            self._folder = Path(mkdtemp(prefix="invoice-bot-"))
        path = self._folder / f"{message.id}-{document.name}"
        path.write_bytes(document.content)
        return path

    # --- Input ------------------------------------------------------------------------------------------------------

    async def ask(self, read_line: ReadLine | None = None) -> None:
        """Read lines and act on them until the person leaves, by ``/quit`` or the end of the input.

        Without a terminal the lines come from standard input as they are, or from ``read_line``.
        """
        is_terminal = read_line is None and sys.stdin.isatty()
        read = read_line or (self._prompt() if is_terminal else _stdin_lines())
        with patch_stdout(raw=True) if is_terminal else nullcontext():
            while True:
                try:
                    line = (await read()).strip()
                except (EOFError, KeyboardInterrupt):
                    return
                if line == QUIT:
                    return
                if line:
                    await self.act(line)

    async def act(self, line: str) -> None:
        """Do what a typed line asks: a number presses a button, a colon starts a local command, the rest is sent."""
        try:
            if line.startswith(":"):
                await self._run_local(line)
            elif line.isdecimal() and int(line) in self._buttons:
                self._press(*self._buttons[int(line)])
            else:
                self._person.send(self._chat, line)
        except (PermissionError, LookupError) as error:  # blocked, or the button went as it was typed
            self._note(str(error))

    def _press(self, message: Message, button: Button) -> None:
        if button.data is None:
            self._note(f"{button.text}: {button.url}")
        else:
            self._person.press(message, button.data)

    async def _run_local(self, line: str) -> None:
        name, _, rest = line.removeprefix(":").partition(" ")
        if line == HELP:
            self._console.print(self._help())
        elif name in self._local:
            said = await self._local[name][1](rest.strip())
            if said:
                self._note(said)
        else:
            self._note(f"There is no :{name}. {HELP} lists what there is.")

    def _help(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, (text, _) in self._local.items():
            table.add_row(Text(f":{name}", style="bold"), Text(text))
        table.add_row(Text("a number", style="bold"), "presses the button with that number")
        table.add_row(Text(QUIT, style="bold"), "leaves (Ctrl-D too)")
        return table

    def _prompt(self) -> ReadLine:
        session: PromptSession[str] = PromptSession(completer=_Commands(self._offers), erase_when_done=True)
        return lambda: session.prompt_async(f"{self._person.user.first_name} > ")

    def _offers(self) -> Iterator[tuple[str, str]]:
        for command in self._person.menu(self._chat):
            yield f"/{command.name}", command.description
        for name, (text, _) in self._local.items():
            yield f":{name}", text
        yield HELP, "what else there is"
        yield QUIT, "leave"


class _Commands(Completer):
    """Completes the first word of a line that begins like a command."""

    def __init__(self, offers: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._offers = offers

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        typed = document.text_before_cursor
        if not typed.startswith(("/", ":")) or " " in typed:
            return
        for word, text in self._offers():
            if word.startswith(typed):
                yield Completion(word, start_position=-len(typed), display_meta=text)


def _stdin_lines() -> ReadLine:
    """Lines of standard input, read by a thread that doesn't keep the program from ending."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            while line := sys.stdin.readline():
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, "")

    async def read_line() -> str:
        line = await lines.get()
        if not line:
            raise EOFError
        return line

    Thread(target=read, daemon=True).start()
    return read_line
