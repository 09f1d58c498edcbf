"""``chats``: list the stored chats, put one to rest or wake it, forget one."""

from __future__ import annotations

import click

from bot.commands.common import json_option, negative_numbers, print_rows, with_store
from bot.errors import LinkInUse, StartError
from bot.invocation import call_of
from bot.ports import Store, utc_now

CHAT_TABLE = {
    "chat": lambda chat: chat.chat_id,
    "account": lambda chat: chat.account and chat.account[:8],
    "checked": lambda chat: chat.checked_at,
    "next check": lambda chat: chat.next_check_at,
    "alerts": lambda chat: chat.waiting,
    "set aside": lambda chat: chat.set_aside,
    "resting": lambda chat: chat.resting,
    "trouble": lambda chat: chat.trouble,
    "problem": lambda chat: chat.problem,
}


@click.group()
def chats() -> None:
    """List, rest, wake or forget the stored chats. Times are UTC."""


@chats.command("list")
@json_option
def list_chats(*, as_json: bool) -> None:
    """List all chats by id. Tokens are not shown."""
    print_rows(with_store(lambda store: store.overviews()), CHAT_TABLE, as_json=as_json, if_empty="No chat is stored.")


@chats.command(context_settings=negative_numbers)
@click.argument("chat", type=int)
@click.option("--reason", default="the operator said so", show_default=True, help="The list shows it.")
def rest(chat: int, reason: str) -> None:
    """Stop the checks and alerts of CHAT, and keep its data. It wakes when somebody writes there."""

    async def do(store: Store) -> None:
        await _check_stored(store, chat)
        await store.rest(chat, reason)

    with_store(do)
    click.echo(f"Chat {chat} is resting.")


@chats.command(context_settings=negative_numbers)
@click.argument("chat", type=int)
def wake(chat: int) -> None:
    """Wake CHAT. Its next check is due at once."""

    async def do(store: Store) -> bool:
        await _check_stored(store, chat)
        return await store.wake(chat, utc_now())

    click.echo(f"Chat {chat} is awake." if with_store(do) else f"Chat {chat} was not resting.")


@chats.command(context_settings=negative_numbers)
@click.argument("chat", type=int)
@click.confirmation_option(prompt="This deletes its token and all its data for good. Continue?")
def forget(chat: int) -> None:
    """Delete the token and all data of CHAT. Nobody is told."""

    async def do(store: Store) -> None:
        try:
            if not await store.forget(chat):
                raise _not_stored(chat)
        except LinkInUse:
            raise StartError(
                f"A payment of chat {chat} is under way. The token is needed to find out how it ends. Try again later."
            ) from None

    with_store(do)
    click.echo(f"Chat {chat} is forgotten.")


async def _check_stored(store: Store, chat: int) -> None:
    if await store.overview(chat) is None:
        raise _not_stored(chat)


def _not_stored(chat: int) -> StartError:
    return StartError(f"No chat {chat} is stored. `{call_of('chats list')}` lists all chats.")
