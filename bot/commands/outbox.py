"""``outbox``: see the alerts on their way out, send some at once, or throw some away."""

from __future__ import annotations

import click

from bot.commands.common import json_option, print_rows, with_store
from bot.domain.alerts import AlertState
from bot.errors import StartError
from bot.ports import Store, WaitingAlert

ALERT_COLUMNS = {
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
    """See the alerts that wait or were set aside; send some at once, or throw some away. Times are UTC."""


@outbox.command("list")
@click.option("--set-aside", is_flag=True, help="Only those that were set aside, as they were refused too often.")
@json_option
def list_alerts(*, set_aside: bool, as_json: bool) -> None:
    """List the alerts, by chat, the oldest first."""

    async def read(store: Store) -> list[WaitingAlert]:
        return [alert for alert in await store.alerts() if not set_aside or _is_aside(alert)]

    print_rows(with_store(read), ALERT_COLUMNS, as_json=as_json)


@outbox.command()
@click.argument("alerts", nargs=-1, metavar="ALERT…")
@click.option("--set-aside", is_flag=True, help="All that were set aside.")
def retry(alerts: tuple[str, ...], *, set_aside: bool) -> None:
    """Send these alerts at once, also those that were set aside."""

    async def do(store: Store) -> int:
        chosen = await _chosen(store, alerts, set_aside=set_aside)
        return _some(await store.retry_alerts(chosen), chosen)

    click.echo(f"{with_store(do)} to be sent.")


@outbox.command()
@click.argument("alerts", nargs=-1, metavar="ALERT…")
@click.option("--set-aside", is_flag=True, help="All that were set aside.")
@click.confirmation_option(prompt="Nobody will be told of these. Throw them away?")
def drop(alerts: tuple[str, ...], *, set_aside: bool) -> None:
    """Throw these alerts away."""

    async def do(store: Store) -> int:
        chosen = await _chosen(store, alerts, set_aside=set_aside)
        return _some(await store.drop_alerts(chosen), chosen)

    click.echo(f"{with_store(do)} thrown away.")


async def _chosen(store: Store, alerts: tuple[str, ...], *, set_aside: bool) -> set[str]:
    if not alerts and not set_aside:
        raise StartError("Name alerts as `outbox list` shows them, or say --set-aside.")
    aside = {alert.alert.id for alert in await store.alerts() if _is_aside(alert)} if set_aside else set()
    return {*alerts, *aside}


def _some(count: int, chosen: set[str]) -> int:
    if chosen and not count:
        raise StartError("None of them is in the outbox, or they are being sent right now.")
    return count


def _is_aside(alert: WaitingAlert) -> bool:
    return alert.alert.state is AlertState.DEAD_LETTER
