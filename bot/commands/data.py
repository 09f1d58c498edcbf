"""``migrate``, ``move`` and ``rekey``: commands on all data at once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import click

from bot.commands.common import settings_with_logs, with_store
from bot.errors import StartError, StoreAway
from bot.ports import Store

if TYPE_CHECKING:  # as in `common`
    from bot.settings import StoreSettings

TO_DATABASE, TO_FOLDER = "to-database", "to-folder"


@click.command()
def migrate() -> None:
    """Update the database's schema. The bot does so at its start, if its database role may."""
    from bot.store.postgres.opening import migrate_when_there

    version = asyncio.run(
        migrate_when_there(_database_url(settings_with_logs(), "The embedded store needs no migration."))
    )
    click.echo(f"The schema is at version {version}.")


@click.command()
@click.argument("direction", type=click.Choice([TO_DATABASE, TO_FOLDER]))
def move(direction: str) -> None:
    """Move all data between DATA_DIR and DATABASE_URL. The source stays as it is.

    Stop the bot first. Run an interrupted move again to continue it. At the end both places are read and compared.
    """
    click.echo(asyncio.run(_move(settings_with_logs(), direction)))


@click.command()
def rekey() -> None:
    """Seal all tokens with the first of TOKEN_KEYS. All keys that sealed them must be set."""

    async def nothing(_: Store) -> None:
        """Opening a store seals its tokens anew."""

    with_store(nothing)
    click.echo("All readable tokens are sealed with the first key. For each other one there is a warning above.")


async def _move(settings: StoreSettings, direction: str) -> str:
    from bot.store.move import move as move_all
    from bot.store.postgres.opening import open_database, open_vault
    from bot.store.tinydb.opening import open_folder

    url = _database_url(settings, "Set it beside DATA_DIR: data move between the two.")
    vault = open_vault([key.get_secret_value() for key in settings.token_keys])
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(open_folder(settings.data_dir, vault))
        database = await stack.enter_async_context(
            open_database(url, settings.database_connections, settings.database_timeout)
        )
        source, target = (folder, database) if direction == TO_DATABASE else (database, folder)
        progress = stack.enter_context(click.progressbar(length=1, label=f"To {target.name}"))

        def advance(count: int, total: int) -> None:
            progress.length = total
            progress.update(count)

        try:
            content = await move_all(source, target, vault, advance)
        except StoreAway:
            raise StartError("The database has gone away. Run the move again to continue it.") from None
    return (
        f"Moved {content.chats} chats and {content.payments} payments; both places hold the same data "
        f"(SHA-256 {content.hash[:16]}…). Set or unset DATABASE_URL accordingly, then start the bot."
    )


def _database_url(settings: StoreSettings, advice: str) -> str:
    if settings.database_url is None:
        raise StartError(f"DATABASE_URL is not set. {advice}")
    return settings.database_url.get_secret_value()
