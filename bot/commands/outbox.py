"""``outbox``: list the alerts that are still to be sent, send some now, or drop some."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from bot.commands.common import json_option, print_rows, with_store
from bot.domain.alerts import AlertState
from bot.errors import StartError
from bot.invocation import call_of
from bot.ports import Store, WaitingAlert

ALERT_TABLE = {
    "alert": lambda alert: alert.alert.id,
    "chat": lambda alert: alert.chat_id,
    "kind": lambda alert: alert.alert.kind,
    "invoice": lambda alert: alert.alert.invoice_id,
    "since": lambda alert: alert.alert.created_at,
    "state": lambda alert: alert.alert.state,
    "tries": lambda alert: alert.alert.attempts,
    "not before": lambda alert: alert.not_before,
}


@click.group()
def outbox() -> None:
    """List, retry or drop the alerts that wait or were set aside. Times are UTC."""


@outbox.command("list")
@click.option("--set-aside", is_flag=True, help="Only those that were set aside after too many refusals.")
@json_option
def list_alerts(*, set_aside: bool, as_json: bool) -> None:
    """List the alerts by chat, the oldest first."""
    alerts = with_store(lambda store: store.alerts())
    shown = [alert for alert in alerts if _is_dead_letter(alert) or not set_aside]
    print_rows(shown, ALERT_TABLE, as_json=as_json, if_empty=f"No alert {'was set aside' if set_aside else 'waits'}.")


@outbox.command()
@click.argument("alerts", nargs=-1, metavar="ALERT…")
@click.option("--set-aside", is_flag=True, help="All that were set aside.")
def retry(alerts: tuple[str, ...], *, set_aside: bool) -> None:
    """Send these alerts now, including those that were set aside."""
    click.echo(f"{_change(lambda store, ids: store.retry_alerts(ids), alerts, set_aside=set_aside)} to be sent.")


@outbox.command()
@click.argument("alerts", nargs=-1, metavar="ALERT…")
@click.option("--set-aside", is_flag=True, help="All that were set aside.")
@click.option("--yes", is_flag=True, help="Don't ask first.")
def drop(alerts: tuple[str, ...], *, set_aside: bool, yes: bool) -> None:
    """Drop these alerts. They are never sent."""
    _check_named(alerts, set_aside=set_aside)
    if not yes:
        click.confirm("Nobody will receive these alerts. Drop them?", abort=True)
    click.echo(f"{_change(lambda store, ids: store.drop_alerts(ids), alerts, set_aside=set_aside)} dropped.")


def _change(change: Callable[[Store, set[str]], Awaitable[int]], alerts: tuple[str, ...], *, set_aside: bool) -> int:
    """Change the named alerts, and with ``set_aside`` all dead letters. Return how many were changed."""
    _check_named(alerts, set_aside=set_aside)

    async def do(store: Store) -> int:
        dead_letters = filter(_is_dead_letter, await store.alerts()) if set_aside else ()
        chosen = {*alerts, *(alert.alert.id for alert in dead_letters)}
        count = await change(store, chosen)
        if chosen and not count:
            raise StartError("None of them is in the outbox, or they are being sent right now.")
        return count

    return with_store(do)


def _check_named(alerts: tuple[str, ...], *, set_aside: bool) -> None:
    if not alerts and not set_aside:
        raise StartError(f"Name alerts by their ids from `{call_of('outbox list')}`, or use --set-aside.")


def _is_dead_letter(alert: WaitingAlert) -> bool:
    return alert.alert.state is AlertState.DEAD_LETTER
