"""The provider fails, lists too little or refuses the token. That never means paid, gone or nothing to tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.domain.alerts import AlertKind
from bot.domain.chats import Place, Trouble
from bot.domain.standings import Standing
from bot.errors import (
    AnswerNotUnderstood,
    NotFound,
    PermissionMissing,
    ProviderDown,
    ProviderError,
    ProviderUnreachable,
    RateLimited,
    Refused,
    TokenRefused,
)
from bot.ports import Checked
from bot.services.account_reading import MISSING_READ_PER_CHECK
from bot.services.checks import Checker
from tests.fakes import Gate, invoice, settled
from tests.services.world import ADA, DAY, DUE, HOUR, MINUTE, START, TOKEN, World, member

NEW, DUE_SOON, OVERDUE = AlertKind.NEW, AlertKind.DUE, AlertKind.OVERDUE

UNREADABLE = [
    ProviderDown(),
    ProviderUnreachable(),
    RateLimited(),
    AnswerNotUnderstood("cut off"),
    NotFound(),
    Refused(400, "no"),
]

# --- A provider that can't be read -----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: type(error).__name__)
async def test_reminders_come_from_what_is_known_while_the_provider_cannot_be_read(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = error
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).watch.checked_at == START
    assert (await world.linked()).watch.trouble is None


async def test_the_reminder_bears_the_age_of_what_is_known(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    await world.live(DUE)
    (message,) = world.messenger.sent
    assert message.delivery.chat.link is not None
    assert message.delivery.chat.link.watch.checked_at == START < message.alerts[0].created_at


async def test_a_bug_in_reading_costs_no_reminder(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = RecursionError("a very odd answer")
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(minutes=15)


async def test_the_last_good_reading_moves_on_once_the_provider_is_back(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = ProviderDown()
    await world.live(DUE - DAY)
    del world.provider.errors["list_invoices"]
    world.account.put(invoice(7, DUE))
    await world.live(DUE)
    assert (await world.linked()).watch.checked_at == world.clock.now
    assert world.told() == [(NEW, 7, 0)]


async def test_a_rate_limit_puts_the_next_check_off_for_as_long_as_was_asked(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = RateLimited(3600)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(hours=1)


@pytest.mark.parametrize("wait", [10.0 * 365 * 86400, 1e300])
async def test_an_absurd_rate_limit_does_not_silence_the_reminders(world: World, wait: float) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = RateLimited(wait)
    await world.live(DUE - DAY)
    await world.live(DUE)
    assert [told for told in world.told() if told[1] == 7] == [(DUE_SOON, 7, 1), (DUE_SOON, 7, 0)]


async def test_a_rate_limit_shorter_than_the_interval_changes_nothing(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = RateLimited(3)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(minutes=15)


# --- What is logged of it --------------------------------------------------------------------------------------------


async def logged_of(world: World, checks: int) -> list[str]:
    with capture_logs() as logs:
        for _ in range(checks):
            world.clock.move(timedelta(minutes=15))
            await world.check()
    return [f"{entry['event']} {entry.get('chat', '')}".strip() for entry in logs if entry["log_level"] != "debug"]


@pytest.mark.parametrize(
    "error", [AnswerNotUnderstood("cut off"), Refused(400), ValueError("a bug")], ids=lambda error: type(error).__name__
)
async def test_one_account_that_cannot_be_read_is_logged_when_it_begins_and_when_it_ends(
    world: World, error: Exception
) -> None:
    await world.link(1)
    await world.link(2, "token-of-another")
    world.provider.errors[TOKEN] = error
    assert await logged_of(world, 3) == ["account can't be read 1"]
    del world.provider.errors[TOKEN]
    assert await logged_of(world, 3) == ["account can be read again 1"]
    world.provider.errors[TOKEN] = error
    assert await logged_of(world, 1) == ["account can't be read 1"]


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends_not_for_each_account(world: World) -> None:
    await world.link(1)
    await world.link(2, "token-of-another")
    world.provider.errors["list_invoices"] = ProviderDown()
    assert await logged_of(world, 3) == ["provider can't be read"]
    del world.provider.errors["list_invoices"]
    assert await logged_of(world, 3) == ["provider can be read again"]


async def test_a_provider_that_does_not_answer_in_the_time_of_a_check_is_down(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.gates["list_invoices"] = Gate()
    world.checker = impatient(world)
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.linked()).watch.checked_at == START


async def test_a_check_ends_in_its_time_though_single_invoices_are_not_answered_for(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7, 8}
    world.account.put(invoice(9, DUE))
    world.provider.gates["invoice"] = Gate()
    world.checker = impatient(world)
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (NEW, 9, 0)]
    assert world.provider.calls_of("invoice") == [7]


def impatient(world: World) -> Checker:
    return Checker(
        world.store, world.provider, world.clock, world.plan, world.workers, read_within=timedelta(seconds=0.05)
    )


# --- Invoices that vanish --------------------------------------------------------------------------------------------


async def test_an_empty_list_is_not_read_as_paid_or_gone(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7, 8}
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0)]
    known = await world.known()
    assert all(one.is_open for one in known.values())


async def test_an_invoice_that_could_not_be_read_in_the_list_is_asked_for_singly_and_reminded_of(world: World) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted, world.account.unreadable = {7}, 1
    await world.live(DUE)
    assert world.provider.calls_of("invoice") == [7]
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0)]


async def test_a_vanished_invoice_that_was_paid_is_not_reminded_of(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.put(settled(invoice(7, DUE)))
    world.account.unlisted = {7}
    await world.live(DUE)
    assert world.told() == []
    world.provider.calls.clear()
    await world.live(DUE + DAY)
    assert world.provider.calls_of("invoice") == []  # it is known to be closed


async def test_only_an_invoice_that_the_provider_itself_no_longer_has_is_gone(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.invoices.clear()
    await world.live(DUE - 10 * DAY)
    assert (await world.known())[7].is_open
    assert (await world.linked()).next_check_at == world.clock.now + 10 * MINUTE
    world.clock.move(10 * MINUTE)
    await world.check()
    assert (await world.known())[7].standing is Standing.GONE
    await world.live(DUE)
    assert world.told() == []


async def test_an_account_that_seemed_empty_for_one_check_is_back_without_a_word(world: World) -> None:
    many = [invoice(number, DUE) for number in range(1, 9)]
    world.account.put(*many)
    await world.link()
    world.account.invoices.clear()
    await world.live(DUE - 10 * DAY)
    world.account.put(*many)
    for _ in range(5):
        world.clock.move(5 * MINUTE)
        await world.check()
        await world.deliver(2)
    assert world.told() == []
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, number, 0) for number in range(1, 9)]


async def test_an_invoice_that_was_missing_when_its_reminder_came_due_is_reminded_of_with_its_age(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.invoices.clear()
    await world.live(DUE)
    assert world.told() == [(DUE_SOON, 7, 0)]
    assert (await world.known())[7].unread_since == world.clock.now


@pytest.mark.parametrize(
    "error",
    [AnswerNotUnderstood("no id"), Refused(410, "gone"), PermissionMissing("x"), TokenRefused(), ValueError("a bug")],
    ids=lambda error: type(error).__name__,
)
async def test_a_vanished_invoice_that_cannot_be_read_singly_hides_no_other_and_counts_as_open(
    world: World, error: Exception
) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7}
    world.account.put(invoice(9, DUE), settled(invoice(8, DUE)))
    world.provider.errors["invoice", 7] = error
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (NEW, 9, 0)]
    assert (await world.linked()).watch.trouble is None


@pytest.mark.parametrize("error", [ProviderDown(), RateLimited(3600)], ids=lambda error: type(error).__name__)
async def test_an_outage_halfway_keeps_what_was_read_and_says_the_age_of_the_rest(
    world: World, error: ProviderError
) -> None:
    world.account.put(invoice(7, DUE), invoice(8, DUE))
    await world.link()
    world.account.unlisted = {7, 8}
    world.account.put(invoice(9, DUE))
    world.provider.errors["invoice"] = error
    await world.live(DUE)
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (NEW, 9, 0)]
    assert world.provider.calls_of("invoice") == [7]  # no use in asking on
    assert (await world.linked()).watch.checked_at == world.clock.now
    assert {n: k.unread_since for n, k in (await world.known()).items()} == {7: world.clock.now, 8: None, 9: None}
    world.clock.move(timedelta(hours=1))
    await world.check()
    await world.deliver(2)
    assert world.provider.calls_of("invoice") == [7, 8]  # whose turn it is
    assert sorted(world.told()) == [(DUE_SOON, 7, 0), (DUE_SOON, 8, 0), (NEW, 9, 0)]
    world.provider.errors.clear()
    world.clock.move(timedelta(hours=1))
    await world.check()
    assert {k.unread_since for k in (await world.known()).values()} == {None}


async def test_a_rate_limit_halfway_puts_the_next_check_off(world: World) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.account.unlisted = {7}
    world.provider.errors["invoice"] = RateLimited(3600)
    await world.live(DUE)
    assert (await world.linked()).next_check_at == world.clock.now + timedelta(hours=1)


async def test_many_that_vanish_at_once_are_asked_for_over_several_checks_before_a_word_is_said(world: World) -> None:
    many = range(1, 3 * MISSING_READ_PER_CHECK)
    world.account.put(*(invoice(number, DUE) for number in many))
    await world.link()
    world.account.unlisted = set(many)
    world.account.put(settled(invoice(max(many), DUE)))  # asked for last
    world.noon(DUE)
    for _ in many:
        before = len(world.provider.calls_of("invoice"))
        await world.check()
        await world.deliver(10)
        assert len(world.provider.calls_of("invoice")) - before <= MISSING_READ_PER_CHECK
        asked = set(world.provider.calls_of("invoice"))
        assert {number for _, number, _ in world.told()} <= asked
        world.clock.move(timedelta(minutes=15))
    assert sorted(world.told()) == [(DUE_SOON, number, 0) for number in many[:-1]]


# --- A token that is refused -----------------------------------------------------------------------------------------


TROUBLE_KINDS = pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TokenRefused(), AlertKind.TOKEN_REFUSED),
        (PermissionMissing("access_invoices"), AlertKind.PERMISSION_MISSING),
    ],
)


@TROUBLE_KINDS
async def test_a_refused_token_is_told_once_while_reminders_go_on(
    world: World, error: ProviderError, kind: AlertKind
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    await world.refuse(error, DUE - 10 * DAY)
    assert (await world.linked()).watch.trouble == Trouble(kind.value)
    await world.restart()
    for days in (-9, -7, -3, -1, 0, 1):
        await world.live(DUE + days * DAY)
    assert world.told() == [(kind, None, None), *((DUE_SOON, 7, n) for n in (7, 3, 1, 0)), (OVERDUE, 7, -1)]
    assert (await world.linked()).watch.checked_at == START


@TROUBLE_KINDS
async def test_a_single_refusal_is_not_told_and_stops_no_alert(
    world: World, error: ProviderError, kind: AlertKind
) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = error
    world.noon(DUE - 10 * DAY)
    await world.check()
    world.provider.errors.clear()
    world.account.put(invoice(7, DUE))
    assert (await world.linked()).next_check_at == world.clock.now + 5 * MINUTE
    world.clock.move(5 * MINUTE)
    await world.check()
    await world.deliver(2)
    assert world.told() == [(NEW, 7, None)]
    assert not (await world.linked()).watch.is_refused


@TROUBLE_KINDS
async def test_a_refused_token_is_tried_again_after_minutes_hours_and_then_daily_until_it_works(
    world: World, error: ProviderError, kind: AlertKind
) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = error
    world.noon(DUE - 10 * DAY)
    began, tried = world.clock.now, list[timedelta]()
    world.provider.calls.clear()
    while world.clock.now < began + 3 * DAY:
        await world.check()
        tried += [world.clock.now - began] * len(world.provider.calls)
        world.provider.calls.clear()
        await world.deliver()
        world.clock.set(max((await world.linked()).next_check_at, world.clock.now + MINUTE))
    assert tried == [timedelta(), 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 30 * HOUR, 54 * HOUR]
    assert world.told() == [(kind, None, None)]
    world.provider.errors.clear()
    world.account.put(invoice(7, DUE + 30 * DAY))
    world.clock.move(DAY)
    await world.check()
    await world.deliver()
    assert world.told() == [(kind, None, None), (AlertKind.TROUBLE_OVER, None, None), (NEW, 7, None)]


async def test_a_refusal_that_was_told_by_an_older_version_is_tried_again(world: World) -> None:
    await world.link()
    await world.refuse(TokenRefused(), DUE - 10 * DAY)
    await change_watch(world, refused_since=None, refused_at=None)
    world.provider.errors.clear()
    await world.live(DUE - 9 * DAY)
    assert (await world.linked()).watch.trouble is None


async def change_watch(world: World, **facts: object) -> None:
    """Store another watch, as another version of the bot would."""
    (check,) = await world.store.claim_checks(world.clock.now + DAY, 1, HOUR)
    link = check.chat.link
    assert link is not None
    watch = replace(link.watch, **facts)  # type: ignore[arg-type]  # the test's
    assert await world.store.finish_check(check.claim, Checked(check.known, [], watch, link.next_check_at))


# --- Any good answer ends the refusal --------------------------------------------------------------------------------


async def by_list(world: World) -> None:
    await world.reads.listing(await world.chat())


async def by_single_invoice(world: World) -> None:
    await world.reads.invoice(await world.chat(), 7)


async def by_pdf(world: World) -> None:
    async with world.reads.pdf(await world.chat(), 7):
        pass


async def by_archive(world: World) -> None:
    async with world.reads.archive(await world.chat()):
        pass


async def by_question(world: World) -> None:
    await world.ask(7)


async def by_selection(world: World) -> None:
    await world.payment_selection.begin(await world.chat(), Place(1), member(ADA))


async def by_payment(world: World) -> None:
    world.provider.errors["list_invoices"] = TokenRefused()
    payment = await world.ask(7)
    await change_watch(world, refused_since=world.clock.now, refused_at=world.clock.now)
    await world.press(payment.id)


async def by_link_elsewhere(world: World) -> None:
    await world.link(2)


async def by_check_elsewhere(world: World) -> None:
    await world.checker.check_now(await world.chat(2))


GOOD_ANSWERS = pytest.mark.parametrize(
    "answered",
    [by_list, by_single_invoice, by_pdf, by_archive, by_question, by_selection, by_payment, by_link_elsewhere],
)


@pytest.mark.parametrize("times", [1, 2])
@GOOD_ANSWERS
async def test_any_good_answer_ends_a_refusal_at_once_and_the_checks_go_on(
    world: World, answered: Callable[[World], Awaitable[None]], times: int
) -> None:
    world.account.put(invoice(7, DUE))
    await world.link()
    world.provider.errors["list_invoices"] = TokenRefused()
    world.noon(DUE - 10 * DAY)
    for _ in range(times):
        await world.check()
        world.clock.move(5 * MINUTE)
    assert (await world.linked()).watch.is_refused
    world.provider.errors.clear()
    world.account.put(invoice(8, DUE))
    await answered(world)
    world.provider.errors.clear()
    assert not (await world.linked()).watch.is_refused
    assert (await world.linked()).next_check_at <= world.clock.now
    await world.check()
    await world.deliver()
    assert (NEW, 8, None) in world.told()


async def test_a_good_check_of_one_chat_ends_the_refusal_in_another_chat_of_the_account(world: World) -> None:
    await world.link(1)
    await world.link(2)
    await world.refuse(TokenRefused(), DUE - 10 * DAY)
    world.provider.errors.clear()
    await by_check_elsewhere(world)
    assert not (await world.linked(1)).watch.is_refused
    assert not (await world.linked(2)).watch.is_refused


async def test_a_good_answer_about_one_account_says_nothing_of_another(world: World) -> None:
    await world.link(1)
    await world.link(2, "token-of-another")
    await world.refuse(TokenRefused(), DUE - 10 * DAY)
    world.provider.errors = {TOKEN: TokenRefused()}
    await world.reads.listing(await world.chat(2))
    assert not (await world.linked(2)).watch.is_refused
    assert (await world.linked(1)).watch.is_refused


async def test_a_refused_command_ends_no_refusal(world: World) -> None:
    await world.link()
    await world.refuse(TokenRefused(), DUE - 10 * DAY)
    with pytest.raises(TokenRefused):
        await by_list(world)
    assert (await world.linked()).watch.is_refused


async def test_linking_anew_ends_the_trouble_and_an_untold_alert_about_it(world: World) -> None:
    await world.link()
    world.provider.errors["list_invoices"] = TokenRefused()
    world.noon(DUE)
    await world.check()
    del world.provider.errors["list_invoices"]
    await world.link()
    await world.deliver()
    assert world.told() == []
    world.account.put(invoice(7, DUE))
    await world.live(DUE + DAY)
    assert world.told() == [(NEW, 7, -1)]


async def test_an_invoice_that_cannot_be_read_in_a_list_is_told_of_once(world: World) -> None:
    await world.link()
    world.account.unreadable = 1
    for _ in range(3):
        world.clock.move(timedelta(hours=1))
        await world.check()
        await world.deliver(2)
    assert world.told() == [(AlertKind.UNREADABLE, None, None)]
