"""A crash at any step of a write leaves the old state or the new one. So does a temporary error of the disk."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.domain.chats import Link, Member, Place, Preferences, Silence
from bot.domain.invitations import Invitation
from bot.domain.payments import State
from bot.domain.selections import Offer, Selection
from bot.errors import StoreAway
from bot.ports import Checked, Store
from bot.store.store import Store as OurStore
from bot.store.tinydb import files
from bot.store.tinydb.opening import open_store
from bot.store.vault import new_key
from tests.store.backends import chat_in_file, folder_of, payments_in_file
from tests.store.examples import (
    CHAT,
    HOUR,
    LEASE,
    NOW,
    OTHER,
    checked,
    find,
    knowledge,
    message_about,
    new_alert,
    new_link,
    new_payment,
    with_alerts,
    with_messages,
)
from tests.store.faulty_os import CALLS, FaultyOs, Killed

KEY = new_key()
LATE = NOW + HOUR
SELECTION = Selection(
    "s1",
    Place(CHAT),
    "a" * 64,
    7,
    NOW.replace(year=2999),
    (Offer(1, Decimal(1), None, ""), Offer(2, Decimal(2), None, "")),
)
STEPS = range(1, 200)  # more than any operation takes
Content = dict[str, Any]
Operation = Callable[[Store], Coroutine[Any, Any, None]]


def content_of(store: OurStore) -> Content:
    """Return everything that a store holds, with its tokens opened."""
    backend = folder_of(store)
    found: Content = {}
    for name in backend.folder.names("chats"):
        record = chat_in_file(store, int(Path(name).stem))
        assert record is not None
        found[name] = (store._chat(record), dict(record.known), record.alerts, record.sent)
    for name in backend.folder.names("accounts"):
        found[name] = payments_in_file(store, Path(name).stem)
    t = backend.transaction()
    found["pending"] = (t._items(Invitation), t._items(Selection))
    return found


async def link_first(store: Store) -> None:
    await store.link(new_link(store, 99), knowledge(7, 8))


async def link_again(store: Store) -> None:
    await store.link(new_link(store, CHAT, "secret-token-2"), knowledge(7, 8))


async def unlink(store: Store) -> None:
    await store.unlink(CHAT)


async def move(store: Store) -> None:
    await store.move_chat(CHAT, OTHER)


async def finish_check(store: Store) -> None:
    for check in await store.claim_checks(LATE, 10, LEASE):
        alerts = [new_alert(new_link(store), number, f"new/{number}") for number in (3, 4)]
        assert await store.finish_check(check.claim, checked(check, *alerts, now=LATE, known=knowledge(3)))


async def deliver(store: Store) -> None:
    for delivery in await store.claim_alerts(LATE, 10, LEASE):
        message = message_about(2, 3, message_id=71)
        assert await store.alerts_sent(delivery.claim, message, {1})


async def prefer(store: Store) -> None:
    await store.set_preferences(CHAT, Preferences(hour=7), LATE)


async def silence(store: Store) -> None:
    assert await store.silence(CHAT, new_link(store).account, {1: Silence(muted=True), 2: None}, LATE)


async def confirm(store: Store) -> None:
    payment = await store.payment("p1")
    if payment is not None and payment.state is State.ASKED:
        assert await store.advance_payment(replace(payment, state=State.CONFIRMED), State.ASKED)


async def confirm_several(store: Store) -> None:
    batch = await store.batch_of("b1")
    queued = [replace(payment, state=State.QUEUED) for payment in batch]
    if batch and batch[0].state is State.ASKED:
        assert await store.advance_payments(queued, State.ASKED)


async def add_a_payer(store: Store) -> None:
    await store.add_payer(CHAT, Member(8, "Bob"))


async def choose(store: Store) -> None:
    await store.put_pending(replace(SELECTION, chosen=(1, 2)), NOW)


async def empty_a_chat(store: Store) -> None:
    await store.await_token(55, None)


OPERATIONS: list[Operation] = [
    link_first,
    link_again,
    unlink,
    move,
    prefer,
    silence,
    finish_check,
    deliver,
    confirm,
    confirm_several,
    add_a_payer,
    choose,
    empty_a_chat,
]
STAGES: dict[Operation, int] = {deliver: 3}  # before, being sent, sent; all others are one transaction: before, after


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "data"


async def fill(template: Path) -> None:
    """Make a store with a linked chat and a chat that awaits its token.

    The linked chat has two alerts, a sent message, a silence, a selection, and payments of two accounts.
    """
    store = open_store(template, [KEY])
    link = await with_messages(store, message_about(1))
    await store.silence(CHAT, link.account, {2: Silence(muted=True)}, NOW)
    await find(store, new_alert(link, 1, "waiting/1"), new_alert(link, 2, "waiting/2"))
    await store.add_payment(new_payment("p1", link.account))
    await store.add_payment(new_payment("p2", "b" * 64))
    for number in (1, 2):
        await store.add_payment(new_payment(f"b{number}", link.account, invoice_id=number, batch="b"))
    await store.put_pending(SELECTION, NOW)
    await store.await_token(55, NOW.replace(year=2999))
    await store.close()


@pytest.fixture
async def start(template: Path, tmp_path: Path) -> Callable[[], Path]:
    """Return a function that makes a fresh copy of the filled folder."""
    if not template.exists():
        await fill(template)
    folder = tmp_path / "data"

    def copy() -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(template, folder)
        return folder

    return copy


async def reopened(folder: Path) -> Content:
    store = open_store(folder, [KEY])
    found = content_of(store)
    await store.close()
    assert not [path for path in folder.rglob("*") if path.suffix == ".tmp" or path.name == files.PENDING]
    return found


async def stages_of(operation: Operation, folder: Path) -> list[Content]:
    """Return the states that an operation goes through. Each transaction leads to the next one."""
    store = open_store(folder, [KEY])
    stages = [content_of(store)]
    real_apply = folder_of(store).folder.apply

    def apply(changes: Any) -> None:
        real_apply(changes)
        stages.append(content_of(store))

    folder_of(store).folder.apply = apply  # type: ignore[method-assign]  # observes each transaction
    await operation(store)
    await store.close()
    return stages


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_crash_at_any_step_leaves_the_old_or_the_new_state(
    operation: Operation, start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = await stages_of(operation, start())
    assert len(stages) == STAGES.get(operation, 2)
    seen = []
    for step in STEPS:
        folder = start()
        store = open_store(folder, [KEY])
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", FaultyOs(step))
            try:
                await operation(store)
            except Killed:
                survived = False
            else:
                survived = True
            await store.close()
        found = await reopened(folder)
        assert found in stages, f"killed at step {step}"
        seen.append(stages.index(found))
        if survived:
            break
    assert seen == sorted(seen), "a later kill left an earlier state"
    assert set(seen) == set(range(len(stages)))


@pytest.mark.parametrize("operation", [unlink, move])
async def test_a_crash_during_recovery_does_no_harm(
    operation: Operation, start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = await stages_of(operation, start())
    folder = start()
    for step in STEPS:  # until the kill leaves a journal behind
        store = open_store(start(), [KEY])
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", FaultyOs(step))
            with pytest.raises(Killed):
                await operation(store)
            await store.close()
        if (folder / files.PENDING).exists():
            break
    crashed = folder.with_name("crashed")
    shutil.copytree(folder, crashed)
    for step in STEPS:
        shutil.rmtree(folder)
        shutil.copytree(crashed, folder)
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", FaultyOs(step))
            try:
                store = open_store(folder, [KEY])
            except Killed:
                survived = False
            else:
                survived = True
                await store.close()
        assert await reopened(folder) == stages[-1], f"killed at step {step}"
        if survived:
            return
    raise AssertionError("the recovery never came to an end")


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_after_a_disk_error_memory_and_files_agree_and_the_operation_can_be_repeated(
    operation: Operation, start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = await stages_of(operation, start())
    for step in STEPS:
        store = open_store(start(), [KEY])
        faulty = FaultyOs(step, OSError(errno.ENOSPC, "No space left on device"))
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", faulty)
            with contextlib.suppress(StoreAway):
                await operation(store)
        await store.chat(CHAT)  # any call recovers from the error first
        assert content_of(store) in stages, f"error at step {step}"
        if operation not in {finish_check, deliver}:  # their work is claimed again after its lease
            await operation(store)
            assert content_of(store) == stages[-1], f"error at step {step}"
        await assert_queues_agree_with_the_files(store)
        await store.close()
        if faulty.calls < step:
            return
    raise AssertionError("the operation never came to an end")


async def link_again_despite_an_error(store: Store, step: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Link, bool]:
    """Link again while one system call fails. Return the link afterwards, and whether there was such a call."""
    faulty = FaultyOs(step, OSError(errno.EIO, "Input/output error"))
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", faulty)
        with contextlib.suppress(StoreAway):
            await link_again(store)
    link = (await store.chat(CHAT)).link
    assert link is not None
    return link, faulty.calls >= step


async def test_after_a_disk_error_no_result_of_an_older_link_is_taken(
    start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in STEPS:
        store = open_store(start(), [KEY])
        (check,) = await store.claim_checks(LATE, 10, LEASE)
        link, failed = await link_again_despite_an_error(store, step, monkeypatch)
        if link.token.reveal() == "secret-token-2":
            assert not await store.finish_check(check.claim, checked(check, now=LATE, known=knowledge(3)))
            assert await store.known_invoices(CHAT) == knowledge(7, 8)
        await store.close()
        if not failed:
            return
    raise AssertionError("the operation never came to an end")


async def test_after_a_disk_error_no_report_about_a_message_of_an_older_link_is_taken(
    start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in STEPS:
        store = open_store(start(), [KEY])
        (delivery,) = await store.claim_alerts(LATE, 10, LEASE)
        link, failed = await link_again_despite_an_error(store, step, monkeypatch)
        sent = await store.alerts_sent(delivery.claim, message_about(2, 3, message_id=71), ())
        if link.token.reveal() == "secret-token-2":
            assert not sent
            assert await store.sent_messages(CHAT) == ()
        await store.close()
        if not failed:
            return
    raise AssertionError("the operation never came to an end")


async def test_after_a_disk_error_a_new_link_has_no_check_times_of_the_older_one(
    start: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in STEPS:
        store = open_store(start(), [KEY])
        (check,) = await store.claim_checks(LATE, 10, LEASE)
        assert check.chat.link is not None
        watch = replace(check.chat.link.watch, checked_at=check.chat.link.watch.checked_at + timedelta(minutes=1))
        nothing_new = Checked(known=check.known, alerts=(), watch=watch, next_check_at=LATE + 50 * HOUR)
        assert await store.finish_check(check.claim, nothing_new)
        link, failed = await link_again_despite_an_error(store, step, monkeypatch)
        assert link.token.reveal() != "secret-token-2" or link.next_check_at == new_link(store).next_check_at
        await store.close()
        if not failed:
            return
    raise AssertionError("the operation never came to an end")


async def test_a_chat_that_can_not_be_written_holds_up_no_message_of_another_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ReadOnly(FaultyOs):
        def __getattr__(self, name: str) -> Any:
            real = super().__getattr__(name)

            def replace_others(source: Path, target: Path) -> None:
                if target.name == "2.json":
                    raise PermissionError(errno.EPERM, "Operation not permitted")
                real(source, target)

            return replace_others if name == "replace" else real

    store = open_store(tmp_path, [KEY])
    for chat_id in (1, 2, 3):
        await with_alerts(store, 1, chat_id=chat_id)
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", ReadOnly())
        deliveries = await store.claim_alerts(LATE, 10, LEASE)
        assert [delivery.chat.id for delivery in deliveries] == [1, 3]
        for delivery in deliveries:
            assert await store.alerts_sent(delivery.claim, None, ())
        assert await store.claim_alerts(LATE, 10, LEASE) == []
    (delivery,) = await store.claim_alerts(LATE + LEASE, 10, LEASE)
    assert (delivery.chat.id, delivery.again) == (2, False)
    await store.close()


async def assert_queues_agree_with_the_files(store: OurStore) -> None:
    records = [chat_in_file(store, int(Path(name).stem)) for name in folder_of(store).folder.names("chats")]
    much_later = NOW + timedelta(days=30)
    checks = await store.claim_checks(much_later, 100, LEASE)
    assert sorted(check.chat.id for check in checks) == sorted(r.id for r in records if r and r.link)
    deliveries = await store.claim_alerts(much_later, 100, LEASE)
    assert sorted(d.chat.id for d in deliveries) == sorted(r.id for r in records if r and r.next_alert)


async def test_a_file_is_synced_before_it_gets_its_name_and_its_folder_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class Recorder(FaultyOs):
        def __getattr__(self, name: str) -> Any:
            if name in CALLS:
                made.append(name)
            return super().__getattr__(name)

    monkeypatch.setattr(files, "os", Recorder())
    files.replace_file(tmp_path / "a.json", b"{}")
    assert made == ["open", "write", "fsync", "close", "replace", "open", "fsync", "close"]
    made.clear()
    files.delete_file(tmp_path / "a.json")
    assert made == ["unlink", "open", "fsync", "close"]
