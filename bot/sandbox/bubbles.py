"""Messages as they look in a terminal: bubbles by rich, the bot's on the left and the person's on the right."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.sandbox.telegram import Button, Entity, Message

WIDEST = 72
_STYLES = {
    "bold": Style(bold=True),
    "italic": Style(italic=True),
    "underline": Style(underline=True),
    "strikethrough": Style(strike=True),
    "spoiler": Style(reverse=True),
    "code": Style(color="cyan"),
    "pre": Style(color="cyan"),
    "blockquote": Style(dim=True, italic=True),
    "expandable_blockquote": Style(dim=True, italic=True),
    "bot_command": Style(color="blue"),
    "url": Style(color="blue", underline=True),
}
_UNITS = (("MB", 1_000_000), ("kB", 1_000))

Numbered = list[tuple[int, Button]]


def bubble(message: Message, width: int, rows: list[Numbered], *, mine: bool) -> RenderableType:
    """A message on a screen of ``width`` columns, with its buttons in ``rows``, each with its number."""
    heading, footing = _heading(message), clock_time(message) + (" · edited" if message.edited_at else "")
    parts = Table.grid()
    parts.add_column(min_width=max(heading.cell_len, len(footing)) + 2, overflow="fold")  # both stand in the frame
    for part in _parts(message):
        parts.add_row(part)
    panel = Panel(
        parts,
        box=box.ROUNDED,
        title=heading,
        title_align="left",
        subtitle=footing,
        subtitle_align="right",
        border_style="green" if mine else "blue",
        padding=(0, 1),
        expand=False,
    )
    holder = Table.grid()
    holder.add_column(max_width=min(width - width // 8, WIDEST))
    holder.add_row(Group(panel, *map(_buttons, rows)))
    return Align(holder, "right" if mine else "left")


def formatted(text: str, entities: tuple[Entity, ...]) -> Text:
    """A text with its entities as styles; their offsets are UTF-16 code units, rich's are characters."""
    positions = _characters(text)
    result = Text(text)
    for entity in entities:
        start, end = positions[entity.offset], positions[entity.end]
        if entity.type == "text_link" and entity.url:
            result.stylize(Style(color="blue", underline=True, link=entity.url), start, end)
        elif entity.type in _STYLES:
            result.stylize(_STYLES[entity.type], start, end)
    return result


def size_text(size: int) -> str:
    """A size for people: ``840 B``, ``12.3 kB``, ``4.0 MB``."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def clock_time(message: Message) -> str:
    """When it was written, as a clock on this machine shows it."""
    return f"{message.date.astimezone():%H:%M}"


def _heading(message: Message) -> Text:
    sign = " 🔕" if message.silent else ""
    return Text(f"{message.sender.first_name}{sign}", style="bold")


def _parts(message: Message) -> Iterator[Text]:
    if message.document:
        size = size_text(len(message.document.content))
        yield Text.assemble("📄 ", (message.document.name, "bold"), (f"  {size}", "dim"))
    if message.text:
        yield formatted(message.text, message.entities)
    for name, value in message.service.items():
        yield Text(f"{name.replace('_', ' ')}: {value}", style="dim")


def _buttons(row: Numbered) -> Text:
    line = Text()
    for number, button in row:
        if line:
            line.append("  ")
        line.append(f"[{number}]", Style(bold=True, color="yellow"))
        line.append(f"\u00a0{button.text.replace(' ', chr(0xA0))}")
        if button.url:
            line.append("\u00a0↗", Style(dim=True, link=button.url))
    return line


def _characters(text: str) -> list[int]:
    """For every UTF-16 offset in a text the index of its character."""
    positions = []
    for index, character in enumerate(text):
        positions.extend([index] * (2 if character > "\uffff" else 1))
    return [*positions, len(text)]
