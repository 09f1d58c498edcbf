"""Snoozing, muting and waking invoices by the buttons below alerts and details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from bot.application import InvoiceBot
from bot.domain.chats import Preferences, QuietHours, Silence
from bot.sandbox.telegram import Chat, Message, Person
from bot.store.store import Store
from tests.chat.conversation import ask, link
from tests.chat.fakes import FakeProvider, Time
from tests.chat.samples import NOW, invoice, paid
from tests.chat.working import check_and_tell

pytestmark = pytest.mark.usefixtures("invoice_bot")

FAR = date(2026, 12, 24)
IN_THREE_HOURS = NOW + timedelta(hours=3)
TOMORROW = NOW.replace(day=23, hour=8, minute=0)
TOGGLES = ["snooze:4711", "mute:4711"]

Tell = Callable[[], Awaitable[None]]


@pytest.fixture
def tell(invoice_bot: InvoiceBot, time: Time) -> Tell:
    """Return a function that runs the next regular checks and sends their alerts."""

    async def work() -> None:
        time.forward(timedelta(minutes=15))
        await check_and_tell(invoice_bot)
        time.forward(timedelta(minutes=-15))

    return work


@pytest.fixture
async def alert(tell: Tell, ada: Person, chat: Chat, provider: FakeProvider) -> Message:
    """An alert of one new invoice."""
    await link(ada, chat)
    provider.add(invoice(4711, due=FAR))
    await tell()
    return chat.messages[-1]


def data(message: Message) -> list[str | None]:
    return [button.data for button in message.buttons]


def silence_row(message: Message) -> list[str | None]:
    return [d for d in data(message) if d and d.partition(":")[0] in {"snooze", "mute", "wake"}]


async def silences(store: Store, chat: Chat) -> dict[int, Silence]:
    return dict((await store.chat(chat.id)).silences)


async def test_the_choices_take_the_place_of_the_button_and_back_leads_back(ada: Person, alert: Message) -> None:
    before = alert.keyboard
    await ada.press(alert, "💤 Remind me later").answered()
    assert [button.text for button in alert.buttons] == [
        "🔎 Details", "📄 PDF", "💳 Pay €7.95 with credit",
        "In 3 hours", "Tomorrow", "In 3 days", "When it's due: 24 Dec 2026", "« Back",
    ]  # fmt: skip
    await ada.press(alert, "« Back").answered()
    assert alert.keyboard == before
    assert alert.text.startswith("🧾 New invoice 4711")


@pytest.mark.parametrize(
    ("label", "until"),
    [
        ("In 3 hours", IN_THREE_HOURS),
        ("Tomorrow", TOMORROW),
        ("In 3 days", TOMORROW + timedelta(days=2)),
        ("When it's due: 24 Dec 2026", NOW.replace(month=12, day=24, hour=8, minute=0)),
    ],
)
async def test_a_choice_is_kept_said_and_shown(
    ada: Person, chat: Chat, alert: Message, store: Store, label: str, until: datetime
) -> None:
    await ada.press(alert, "snooze:4711").answered()
    answer = await ada.press(alert, label).answered()
    kept = (await silences(store, chat))[4711]
    assert kept == Silence(until=until)
    assert answer.text.startswith("I'll remind you on ")
    assert not answer.show_alert
    assert silence_row(alert) == ["snooze:4711", "wake:4711"]
    shown = alert.button("snooze:4711").text.removeprefix("💤 Until ")
    assert shown in answer.text


async def test_when_it_is_due_is_offered_only_if_that_is_later_than_tomorrow(
    tell: Tell, ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    await link(ada, chat)
    provider.add(invoice(4711, due=date(2026, 11, 23)))
    await tell()
    await ada.press(chat.messages[-1], "snooze:4711").answered()
    assert silence_row(chat.messages[-1]) == [
        "snooze:4711:3h", "snooze:4711:tomorrow", "snooze:4711:3d", "snooze:4711:back",
    ]  # fmt: skip


async def test_what_would_end_in_quiet_hours_ends_with_them(
    ada: Person, chat: Chat, alert: Message, store: Store
) -> None:
    early = Preferences(hour=6, quiet=QuietHours(12, 8))
    await store.set_preferences(chat.id, early, NOW)
    await ada.press(alert, "snooze:4711").answered()
    answer = await ada.press(alert, "In 3 hours").answered()
    assert (await silences(store, chat))[4711] == Silence(until=NOW.replace(day=23, hour=7, minute=0))
    assert answer.text == "I'll remind you on 23 Nov 2026, 08:00."


async def test_a_snoozed_reminder_comes_when_it_was_asked_for_and_not_before(
    ada: Person, chat: Chat, alert: Message, invoice_bot: InvoiceBot, time: Time
) -> None:
    await ada.press(alert, "snooze:4711").answered()
    await ada.press(alert, "In 3 hours").answered()
    time.forward(timedelta(hours=2, minutes=59))
    await check_and_tell(invoice_bot)
    assert chat.messages[-1] is alert
    time.forward(timedelta(minutes=2))
    await check_and_tell(invoice_bot)
    assert chat.messages[-1].text.startswith("⏰ You asked me to remind you about invoice 4711: €7.95")
    assert silence_row(chat.messages[-1]) == TOGGLES


async def test_mute_and_back(ada: Person, chat: Chat, alert: Message, store: Store) -> None:
    answer = await ada.press(alert, "🔕 Mute").answered()
    assert answer.text == "No more reminders for this invoice. The button below brings them back."
    assert (await silences(store, chat))[4711] == Silence(muted=True)
    assert [button.text for button in alert.buttons][-2:] == ["🔕 Muted", "⏰ Remind me as usual"]
    answer = await ada.press(alert, "⏰ Remind me as usual").answered()
    assert answer.text == "I'll remind you as usual."
    assert await silences(store, chat) == {}
    assert silence_row(alert) == TOGGLES


async def test_a_press_that_is_delivered_twice_does_no_harm(
    ada: Person, chat: Chat, alert: Message, store: Store
) -> None:
    for press in ada.press_twice_delivered(alert, "mute:4711"):
        await press.answered()
    assert (await silences(store, chat))[4711] == Silence(muted=True)
    for press in ada.press_twice_delivered(alert, "wake:4711"):
        await press.answered()
    assert await silences(store, chat) == {}


async def test_several_are_put_off_together_and_come_again_together(
    tell: Tell, ada: Person, chat: Chat, provider: FakeProvider, store: Store
) -> None:
    await link(ada, chat)
    provider.add(invoice(1, due=FAR), invoice(2, due=FAR), paid(3))
    await tell()
    alert = chat.messages[-1]
    everything = data(alert)
    assert everything[-1] == "snooze:all"
    await ada.press(alert, "snooze:all").answered()
    assert silence_row(alert) == ["snooze:all:3h", "snooze:all:tomorrow", "snooze:all:3d", "snooze:all:back"]
    await ada.press(alert, "Tomorrow").answered()
    assert await silences(store, chat) == dict.fromkeys((1, 2), Silence(until=TOMORROW))
    assert silence_row(alert) == ["snooze:all", "wake:all"]
    await ada.press(alert, "wake:all").answered()
    assert await silences(store, chat) == {}
    assert data(alert) == everything


async def test_what_is_settled_meanwhile_is_not_put_off_with_the_others(
    tell: Tell, ada: Person, chat: Chat, provider: FakeProvider, store: Store, time: Time
) -> None:
    await link(ada, chat)
    provider.add(invoice(1, due=FAR), invoice(2, due=FAR), invoice(3, due=FAR))
    await tell()
    alert = chat.messages[-1]
    provider.add(paid(2))
    time.forward(timedelta(minutes=15))
    await tell()
    assert "✅ Paid" in alert.text
    await ada.press(alert, "snooze:all").answered()
    await ada.press(alert, "Tomorrow").answered()
    assert (await silences(store, chat)).keys() == {1, 3}


async def test_the_details_of_an_open_invoice_show_what_was_put_off_and_change_it(
    ada: Person, chat: Chat, alert: Message, store: Store
) -> None:
    details = await ask(ada, chat, "/invoice 4711", "Total")
    assert silence_row(details) == TOGGLES
    await ada.press(details, "mute:4711").answered()
    again = await ask(ada, chat, "/invoice 4711", "Total")
    assert silence_row(again) == ["snooze:4711", "wake:4711"]
    await ada.press(again, "snooze:4711").answered()
    await ada.press(again, "Tomorrow").answered()
    assert (await silences(store, chat))[4711] == Silence(until=TOMORROW)


async def test_details_offer_nothing_of_what_is_closed_covered_or_not_known(
    ada: Person, chat: Chat, provider: FakeProvider
) -> None:
    provider.add(paid(1), invoice(2, credit=Decimal("7.95")))
    await link(ada, chat)
    provider.add(invoice(3))
    for number in (1, 2, 3):
        assert silence_row(await ask(ada, chat, f"/invoice {number}", "Total")) == []


async def test_from_a_list_the_way_back_stays_below(ada: Person, chat: Chat, alert: Message) -> None:
    listing = await ask(ada, chat, "/invoices", "4711")
    await ada.press(listing, "4711 · €7.95").answered()
    await ada.press(listing, "snooze:4711").answered()
    assert [button.text for button in listing.buttons][-2:] == ["« Back", "« Back to the list"]
    await ada.press(listing, "« Back").answered()
    assert [button.text for button in listing.buttons][-2:] == ["🔕 Mute", "« Back to the list"]


@pytest.mark.parametrize("pressed", ["snooze:99", "snooze:99:3h", "mute:99", "wake:99", "snooze:all"])
async def test_there_is_nothing_to_say_of_invoices_that_are_not_open(ada: Person, chat: Chat, pressed: str) -> None:
    greeting = await link(ada, chat)
    answer = await ada.forge(greeting, pressed).answered()
    assert answer.text == "This invoice is no longer open, so I won't remind you about it."


@pytest.mark.parametrize("pressed", ["snooze:4711:due:x", "snooze:4711:never", "snooze:x", "mute", "wake:"])
async def test_callback_data_that_was_never_ours_changes_nothing(
    ada: Person, chat: Chat, alert: Message, store: Store, pressed: str
) -> None:
    await ada.forge(alert, pressed).answered()
    assert all(silence.until is not None for silence in (await silences(store, chat)).values())


async def test_without_a_link_it_says_so(ada: Person, chat: Chat, alert: Message, store: Store) -> None:
    await store.unlink(chat.id)
    answer = await ada.press(alert, "mute:4711").answered()
    assert "not linked" in answer.text


async def test_what_was_muted_outlives_a_new_language(ada: Person, chat: Chat, alert: Message, store: Store) -> None:
    await ada.press(alert, "mute:4711").answered()
    await ask(ada, chat, "/language de", "Welche Sprache")
    status = await ask(ada, chat, "/status", "Verknüpft")
    assert "🔕 Rechnung 4711: keine Erinnerungen." in status.text
