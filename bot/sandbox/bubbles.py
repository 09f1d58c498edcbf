"""Messages as they look in a terminal: bubbles by rich, the bot's on the left and the person's on the right."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.sandbox.telegram import Button, Entity, Message

WIDEST = 72
NARROWEST = 12
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


def bubble(
    message: Message, width: int, rows: list[Numbered], *, mine: bool, saved: Path | None = None
) -> RenderableType:
    """A message with its buttons in ``rows``, each with its number; ``saved`` is the path of its document."""
    parts: list[RenderableType] = []
    if message.document:
        parts.append(_document(message.document.name, len(message.document.content), saved))
    if message.text:
        text = formatted(message.text, message.entities)
        text.pad_right(max(NARROWEST - text.cell_len, 0))  # room for name and time in the frame
        parts.append(text)
    for name, value in message.service.items():
        parts.append(Text(f"{name.replace('_', ' ')}: {value}", style="dim"))
    panel = Panel(
        Group(*parts),
        box=box.ROUNDED,
        title=_heading(message),
        title_align="left",
        subtitle=clock_time(message) + (" · edited" if message.edited_at else ""),
        subtitle_align="right",
        border_style="green" if mine else "blue",
        padding=(0, 1),
        expand=False,
    )
    inner = min(width - width // 8, WIDEST)
    content = Group(panel, *(_buttons(row) for row in rows)) if rows else panel
    holder = Table.grid()
    holder.add_column(max_width=inner)
    holder.add_row(content)
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


def _document(name: str, size: int, saved: Path | None) -> Text:
    line = Text.assemble("📄 ", (name, "bold"), (f"  {size_text(size)}", "dim"))
    if saved is not None:
        # Never broken inside a path, so that it can be clicked or copied.
        line.append(f"\n{saved}", Style(color="blue", underline=True, link=saved.as_uri()))
    return line


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
