"""Shared by the commands: open the store of the settings, and print what was found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from bot.errors import StartError, StoreAway
from bot.ports import Store

if TYPE_CHECKING:  # importing settings takes a while, and `--version` needs none
    from bot.settings import StoreSettings

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")

negative_numbers = {"ignore_unknown_options": True}
"""For commands that take a chat: a group's id begins with a minus sign, and is no option."""


def settings_with_logs() -> StoreSettings:
    """Return the settings. Log warnings and worse to standard error. Raise :class:`StartError` for bad settings."""
    from bot.application import configure_logs
    from bot.settings import load_store_settings

    settings = load_store_settings()
    configure_logs(replace(settings, log_level="WARNING"))
    return settings


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Run ``work`` on the store. Raise :class:`StartError` if it can't be opened, or the database goes away."""
    from bot.factories import open_store

    async def run() -> T:
        store = await open_store(settings_with_logs())
        try:
            return await work(store)
        except StoreAway:
            raise StartError("The database has gone away. Try again when it is back.") from None
        finally:
            await store.close()

    return asyncio.run(run())


def print_rows(
    rows: Sequence[Any], columns: dict[str, Callable[[Any], object]], *, as_json: bool, if_empty: str
) -> None:
    """Print dataclasses as JSON with all their fields, or as a table of ``columns``. Without any, say ``if_empty``."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    if not rows:
        click.echo(if_empty)
        return
    table = [list(columns), *([_text(get(row)) for get in columns.values()] for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
    for line in table:
        click.echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _text(value: object) -> str:
    match value:
        case None:
            return "–"
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case _:
            return str(value)
