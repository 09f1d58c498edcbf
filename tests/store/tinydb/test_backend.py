"""The embedded store beyond the port: how often it writes, which files it deletes, and files that can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.alerts import AlertKind
from bot.domain.chat_keys import key_of
from bot.domain.chats import Preferences, Silence
from bot.domain.payments import Outcome, State
from bot.ports import Store
from bot.store.store import Store as OurStore
from tests.store.backends import folder_of, payments_in_file
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    MINUTE,
    NOW,
    OTHER,
    checked,
    claim_check,
    claim_message,
    find,
    knowledge,
    linked,
    new_alert,
    new_payment,
    with_alerts,
)
from tests.store.openers import TinyOpener


class Writes:
    """Records the transactions of a store that write, and the files in each."""

    def __init__(self, store: OurStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[list[str]] = []
        real = folder_of(store).folder.apply

        def apply(changes: Mapping[str, bytes | None]) -> None:
            self.made.append(sorted(changes))
            real(changes)

        monkeypatch.setattr(folder_of(store).folder, "apply", apply)


async def test_the_store_implements_the_port(tiny_opener: TinyOpener) -> None:
    store: Store = await tiny_opener.open()
    assert await store.unsettled_payments() == []


async def test_checks_without_news_write_once_an_hour(tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await tiny_opener.open()
    await linked(store)
    writes = Writes(store, monkeypatch)
    for minutes in range(1, 121):
        now = NOW + minutes * MINUTE
        check = await claim_check(store, now)
        shuffled = dict(reversed(list(check.known.items())))
        assert await store.finish_check(
            check.claim, checked(check, now=now, known=shuffled, next_check_at=now + MINUTE)
        )
    assert writes.made == [[f"chats/{CHAT}.json"]] * 2


async def test_a_check_reads_its_chat_once_unless_that_changes_meanwhile(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    await linked(store)
    folder, read = folder_of(store).folder, list[str]()
    real = folder.read

    def noted(name: str) -> bytes | None:
        read.append(name)
        return real(name)

    monkeypatch.setattr(folder, "read", noted)
    check = await claim_check(store, NOW + MINUTE)
    assert await store.finish_check(check.claim, checked(check, now=NOW + MINUTE, next_check_at=NOW + 2 * MINUTE))
    assert read == [f"chats/{CHAT}.json"]
    check = await claim_check(store, NOW + 2 * MINUTE)
    await store.set_language(CHAT, "de")
    read.clear()
    assert await store.finish_check(check.claim, checked(check, now=NOW + 2 * MINUTE))
    assert read == [f"chats/{CHAT}.json"]
    assert (await store.chat(key_of(CHAT))).language == "de"


async def test_a_check_with_news_is_one_write(tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await tiny_opener.open()
    link = await linked(store)
    check = await claim_check(store)
    writes = Writes(store, monkeypatch)
    await store.finish_check(check.claim, checked(check, new_alert(link, 1, "1"), known=knowledge(1, 2, 3)))
    assert writes.made == [[f"chats/{CHAT}.json"]]


async def test_reading_and_setting_unchanged_values_write_nothing(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await tiny_opener.open()
    link = await with_alerts(store, 1)
    await store.set_language(CHAT, "de")
    await store.set_preferences(CHAT, Preferences(hour=7), NOW)
    await store.rest(CHAT, "blocked")
    writes = Writes(store, monkeypatch)
    await store.chat(CHAT)
    await store.waiting_alerts(CHAT)
    await store.claim_checks(NOW + HOUR, 10, LEASE)
    await store.set_language(CHAT, "de")
    await store.set_preferences(CHAT, Preferences(hour=7), NOW + HOUR)
    await store.rest(CHAT, "blocked")
    await store.await_token(CHAT, None)
    await store.await_token(OTHER, None)
    await store.note_telegram_language(OTHER, "de")
    await store.set_preferences(OTHER, None, NOW)
    await store.silence(OTHER, "a" * 64, {1: Silence(muted=True)}, NOW)
    await store.sent_messages(CHAT)
    await store.hasten_checks(link.account, NOW)
    await store.unlink(OTHER)
    await store.move_chat(OTHER, 1)
    await store.unsettled_payments()
    assert writes.made == []


async def test_an_unlinked_chat_leaves_no_file(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    link = await linked(store)
    await store.add_payment(new_payment(account=link.account))
    await store.add_payment(new_payment("p2", account="b" * 64))
    await store.unlink(CHAT)
    left = {path.name for path in tiny_opener.folder.rglob("*") if path.is_file()}
    assert left == {"store.json", "lock"}


async def test_an_empty_chat_leaves_no_file(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    path = tiny_opener.folder / "chats" / f"{CHAT}.json"
    await store.await_token(CHAT, NOW)
    assert path.exists()
    await store.await_token(CHAT, None)
    assert not path.exists()


async def test_a_chat_with_only_what_telegram_repeats_leaves_no_file(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    await store.await_token(CHAT, NOW + MINUTE)
    await store.note_telegram_language(CHAT, "de")
    await store.rest(CHAT, "blocked")
    await store.await_token(CHAT, None)
    assert not list((tiny_opener.folder / "chats").iterdir())


async def test_a_start_deletes_chats_whose_wait_for_a_token_is_over(
    tiny_opener: TinyOpener,
) -> None:
    store = await tiny_opener.open()
    for chat_id in (1, 2, 3, 4, 5):
        await store.await_token(chat_id, NOW + (10 if chat_id == 4 else 1) * MINUTE)
        await store.note_telegram_language(chat_id, "de")
    await store.rest(2, "blocked")
    await store.set_language(3, "de")
    await store.set_preferences(5, Preferences(hour=7), NOW)
    await linked(store)
    await tiny_opener.crash()
    tiny_opener.now = NOW + MINUTE
    store = await tiny_opener.open()
    assert {path.stem for path in (tiny_opener.folder / "chats").iterdir()} == {"3", "4", "5", str(CHAT)}
    assert (await store.chat(4)).awaiting_token_until == NOW + 10 * MINUTE


async def test_an_accounts_file_is_deleted_with_the_last_payment_of_an_unlinked_chat(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    link = await linked(store)
    payment = new_payment(account=link.account)
    await store.add_payment(payment)
    sent = replace(payment, state=State.SENT)
    await store.advance_payment(sent, State.ASKED)
    await store.unlink(CHAT)
    path = tiny_opener.folder / "accounts" / f"{link.account}.json"
    assert path.exists()
    told = replace(sent, state=State.ENDED, outcome=Outcome.DONE, told=True)
    assert await store.advance_payment(told, State.SENT)
    assert not path.exists()


async def test_the_journal_keeps_the_newest_and_all_unsettled_payments(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.rules.payments.JOURNAL_LENGTH", 5)
    store = await tiny_opener.open()
    await store.add_payment(new_payment("unsettled", invoice_id=1))
    await store.advance_payment(new_payment("unsettled", invoice_id=1, state=State.SENT), State.ASKED)
    for number in range(7):
        await store.add_payment(new_payment(f"p{number}"))
        ended = new_payment(f"p{number}", state=State.ENDED, outcome=Outcome.DONE, told=True)
        await store.advance_payment(ended, State.ASKED)
    await store.add_payment(new_payment("last"))
    kept = [row.payment.id for row in payments_in_file(store, "a" * 64)]
    assert kept == ["unsettled", "p2", "p3", "p4", "p5", "p6", "last"]
    assert await store.payment("p1") is None


async def test_abandoned_questions_push_no_payment_out_of_the_journal(
    tiny_opener: TinyOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.rules.payments.JOURNAL_LENGTH", 3)
    store = await tiny_opener.open()
    for number, outcome in enumerate([Outcome.DONE, Outcome.UNCLEAR, *[Outcome.EXPIRED, Outcome.CANCELLED] * 4]):
        await store.add_payment(new_payment(f"p{number}"))
        await store.advance_payment(
            new_payment(f"p{number}", state=State.ENDED, outcome=outcome, told=True), State.ASKED
        )
    await store.add_payment(new_payment("last"))
    kept = [row.payment.id for row in payments_in_file(store, "a" * 64)]
    assert kept == ["p0", "p1", "p7", "p8", "p9", "last"]


async def test_an_account_that_is_no_fingerprint_makes_no_file(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    with pytest.raises(ValueError, match="fingerprint"):
        await store.add_payment(new_payment(account="../store"))
    assert not list(Path(tiny_opener.folder).rglob("*p1*"))


async def test_an_unreadable_chat_does_not_stop_the_others(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    await with_alerts(store, 1, chat_id=CHAT)
    await with_alerts(store, 1, chat_id=OTHER)
    (tiny_opener.folder / "chats" / f"{CHAT}.json").write_text("{")
    assert (await claim_check(store, NOW + HOUR)).chat.id == OTHER
    assert (await claim_message(store, NOW + HOUR)).chat.id == OTHER


async def test_damaged_payments_hold_up_no_alert(tiny_opener: TinyOpener) -> None:
    store = await tiny_opener.open()
    link = await linked(store)
    await store.add_payment(new_payment(account=link.account))
    await find(store, replace(new_alert(link, 1, "1"), kind=AlertKind.SETTLED))
    file = tiny_opener.folder / "accounts" / f"{link.account}.json"
    file.write_text("{")
    delivery = await claim_message(store, NOW + HOUR + LEASE)
    assert ([alert.id for alert in delivery.alerts], delivery.again) == (["1"], False)
