"""``outbox`` on both stores: list, retry and drop alerts."""

from __future__ import annotations

import json

from bot.ports import Store
from tests.commands.conftest import Run
from tests.commands.stores import with_store
from tests.store.examples import CHAT, MINUTE, NOW, OTHER, claim_alert, with_alerts


async def one_dead_letter_two_waiting(store: Store) -> None:
    await with_alerts(store, 7)
    claim, _ = await claim_alert(store)
    await store.move_to_dead_letters(claim)
    await with_alerts(store, 1, 2, chat_id=OTHER)


def listed(run: Run, *options: str) -> list[tuple[int, int, str]]:
    alerts = json.loads(run("outbox", "list", "--json", *options).stdout)
    return [(alert["chat_id"], alert["alert"]["invoice_id"], alert["alert"]["state"]) for alert in alerts]


def test_the_list_shows_waiting_alerts_and_dead_letters(place: str, run: Run) -> None:
    with_store(one_dead_letter_two_waiting)
    assert listed(run) == [(OTHER, 1, "waiting"), (OTHER, 2, "waiting"), (CHAT, 7, "set_aside")]
    assert listed(run, "--set-aside") == [(CHAT, 7, "set_aside")]
    lines = run("outbox", "list").stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:3] == ["alert", "chat", "kind"]


def test_dead_letters_are_sent_again(place: str, run: Run) -> None:
    with_store(one_dead_letter_two_waiting)
    assert run("outbox", "retry", "--set-aside").stdout == "1 to be sent.\n"
    assert [state for _, _, state in listed(run)] == ["waiting"] * 3
    deliveries = with_store(lambda store: store.claim_alerts(NOW + MINUTE, 10, MINUTE))
    assert {delivery.chat.id for delivery in deliveries} == {CHAT, OTHER}


def test_named_alerts_are_dropped_after_a_confirmation(place: str, run: Run) -> None:
    with_store(one_dead_letter_two_waiting)
    last = json.loads(run("outbox", "list", "--json").stdout)[-1]["alert"]["id"]
    assert run("outbox", "drop", last, answer="n\n").exit_code == 1
    assert len(listed(run)) == 3
    assert "1 dropped." in run("outbox", "drop", last, answer="y\n").stdout
    assert [invoice for _, invoice, _ in listed(run)] == [1, 2]


def test_an_impossible_request_is_explained(place: str, run: Run) -> None:
    assert "Name alerts" in run("outbox", "retry").stderr
    assert "Name alerts" in run("outbox", "drop").stderr
    assert "None of them is in the outbox" in run("outbox", "drop", "unheard-of", "--yes").stderr
    assert run("outbox", "retry", "--set-aside").stdout == "0 to be sent.\n"
