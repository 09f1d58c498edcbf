"""Alerts of each kind, several in a message, and earlier messages once their invoices are settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from bot.chat.screens import DATA_LIMIT, TEXT_LIMIT, length
from bot.chat.texts import Texts
from bot.chat.views.alerts import alerts, struck_through, words_of
from bot.domain.alerts import ACCOUNT_SUBJECTS, Alert, AlertKind, KnownInvoice, SentMessage
from bot.domain.chats import Silence, Trouble, Watch
from bot.domain.credit import Credit, CreditWatch
from bot.domain.deliveries import message_to_edit
from bot.domain.payments import PaymentRules
from bot.domain.provider_calendar import ProviderCalendar
from bot.domain.standings import Standing
from bot.domain.topping_up import Payee, TopUpWays
from bot.ports import ALERTS_PER_MESSAGE, Delivery
from tests.chat.deliveries import HOUR_AGO, alert, closed, delivery, known, message
from tests.chat.samples import DE, EN, NASTY, NOW, buttons, labels, linked_chat, seen

NEW, CHANGED, DUE, OVERDUE, SETTLED = list(AlertKind)[:5]
AGAIN = "You may have received this message already: the connection broke while I was sending it."
OLD = "As of 22 Nov 2026, 00:30; I haven't been able to read your invoices since then."
ALL_BUTTONS = ["show:4711", "pdf:4711", "pay:4711", "snooze:4711", "mute:4711"]


def one(kind: AlertKind, invoice: KnownInvoice | None = None, *, threshold: int | None = 3, **others: Any) -> Delivery:
    about = alert(kind, invoice.id if invoice else None, threshold=threshold)
    return delivery([about], [invoice] if invoice else [], **others)


def says(sent: Delivery, t: Texts = EN, now: datetime = NOW) -> str:
    return seen(alerts(t, sent, sent.alerts, now)).replace("\N{NO-BREAK SPACE}", " ")


def data(sent: Delivery) -> list[str]:
    return [button.data for button in buttons(alerts(EN, sent, sent.alerts, NOW))]


# --- New and changed ------------------------------------------------------------------------------------------------


def test_a_new_invoice() -> None:
    assert says(one(NEW, known())) == "🧾 New invoice 4711: €6.95\nServer 4711\nDue: 27 Nov 2026 (in 5 days)"
    assert says(one(NEW, known()), DE) == (
        "🧾 Neue Rechnung 4711: 6,95 €\nServer 4711\nFällig: 27.11.2026 (in 5 Tagen)"
    )
    assert data(one(NEW, known())) == ALL_BUTTONS


def test_a_new_invoice_without_title_and_date() -> None:
    assert says(one(NEW, known(title="", due=None))) == "🧾 New invoice 4711: €6.95"


def test_a_new_invoice_that_is_paid_already_is_no_reason_to_pay_or_to_be_reminded() -> None:
    assert says(one(NEW, closed())) == "✅ New invoice 4711: €7.95, already paid\nServer 4711"
    assert says(one(NEW, closed()), DE).startswith("✅ Neue Rechnung 4711: 7,95 €, schon bezahlt\n")
    assert data(one(NEW, closed())) == ["show:4711", "pdf:4711"]


def test_a_change_says_what_it_was_before_in_the_last_message() -> None:
    first = message((known(due=date(2026, 11, 20), left=Decimal("1.00")), NEW))
    last = message((known(left=Decimal("5.95"), gross=Decimal("6.95"), due=date(2026, 11, 25)), DUE), number=8)
    changed = one(CHANGED, known(), threshold=None, sent=[first, last])
    assert says(changed) == (
        "✏️ Invoice 4711 has changed: €6.95\n"
        "Server 4711\n"
        "Now €6.95 instead of €5.95.\n"
        "Due: 27 Nov 2026 (in 5 days) instead of 25 Nov 2026."
    )
    assert "Jetzt 6,95 € statt 5,95 €.\nFällig: 27.11.2026 (in 5 Tagen) statt 25.11.2026." in says(changed, DE)
    assert data(changed) == ALL_BUTTONS


def test_a_change_of_which_no_message_is_left_says_how_it_is_now() -> None:
    assert says(one(CHANGED, known())) == (
        "✏️ Invoice 4711 has changed: €6.95\nServer 4711\nDue: 27 Nov 2026 (in 5 days)"
    )


def test_a_due_date_that_was_not_there_before() -> None:
    changed = one(CHANGED, known(), sent=[message((known(due=None), NEW))])
    assert "Due: 27 Nov 2026 (in 5 days); it had no due date before." in says(changed)


def test_a_sum_and_a_credit_that_changed_by_as_much_show_the_whole_sums() -> None:
    before = message((known(gross=Decimal("5.95"), left=Decimal("6.95")), NEW))
    assert "Now €7.95 instead of €5.95." in says(one(CHANGED, known(), sent=[before]))


def test_a_change_that_is_none_any_more_is_the_reminder_that_it_stood_for() -> None:
    same = message((known(), NEW))
    assert says(one(CHANGED, known(), sent=[same])).startswith("⏰ Invoice 4711 is due in 5 days: €6.95\n")


# --- Reminders ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "english", "german"),
    [
        (date(2026, 11, 29), "Invoice 4711 is due in 7 days: €6.95", "Rechnung 4711 ist in 7 Tagen fällig: 6,95 €"),
        (date(2026, 11, 23), "Invoice 4711 is due tomorrow: €6.95", "Rechnung 4711 ist morgen fällig: 6,95 €"),
        (date(2026, 11, 22), "Invoice 4711 is due today: €6.95", "Rechnung 4711 ist heute fällig: 6,95 €"),
    ],
)
def test_a_reminder_tells_how_much_time_there_is(due: date, english: str, german: str) -> None:
    assert says(one(DUE, known(due=due))).startswith(f"⏰ {english}\n")
    assert says(one(DUE, known(due=due)), DE).startswith(f"⏰ {german}\n")
    assert data(one(DUE, known(due=due))) == ALL_BUTTONS


@pytest.mark.parametrize(
    ("due", "english", "german"),
    [
        (date(2026, 11, 21), "overdue: €6.95. It was due yesterday.", "überfällig: 6,95 €. Sie war gestern fällig."),
        (
            date(2026, 11, 15),
            "overdue: €6.95. It was due 7 days ago.",
            "überfällig: 6,95 €. Sie war vor 7 Tagen fällig.",
        ),
    ],
)
def test_an_overdue_invoice(due: date, english: str, german: str) -> None:
    assert says(one(OVERDUE, known(due=due))).startswith(f"🔴 Invoice 4711 is {english}\n")
    assert says(one(OVERDUE, known(due=due)), DE).startswith(f"🔴 Rechnung 4711 ist {german}")
    assert data(one(OVERDUE, known(due=due))) == ALL_BUTTONS


def test_a_reminder_that_comes_late_says_how_things_stand_now() -> None:
    assert says(one(DUE, known(due=date(2026, 11, 20)))).startswith("🔴 Invoice 4711 is overdue: €6.95.")


@pytest.mark.parametrize("due", [date(2026, 11, 27), None])
def test_a_reminder_that_was_put_off_says_that_it_was_asked_for(due: date | None) -> None:
    snoozed = one(DUE, known(due=due), threshold=None)
    assert says(snoozed).startswith("⏰ You asked me to remind you about invoice 4711: €6.95\n")
    assert says(snoozed, DE).startswith("⏰ Du wolltest an Rechnung 4711 erinnert werden: 6,95 €\n")
    assert ("Due: 27 Nov 2026 (in 5 days)" in says(snoozed)) == (due is not None)


def test_today_is_the_readers_day_and_overdue_is_what_is_over_at_the_provider() -> None:
    late_in_berlin = NOW.replace(hour=22, minute=30)  # the 22nd, 23:30
    tokyo = replace(EN, zone=ZoneInfo("Asia/Tokyo"))  # the 23rd, 7:30
    assert "is due today" in says(one(DUE, known(due=date(2026, 11, 22))), tokyo, late_in_berlin)
    assert "is due today" in says(one(DUE, known(due=date(2026, 11, 23))), tokyo, late_in_berlin)
    assert "is due tomorrow" in says(one(DUE, known(due=date(2026, 11, 23))), EN, late_in_berlin)
    early_in_berlin = NOW.replace(hour=23, minute=30)  # the 23rd, 0:30
    new_york = replace(EN, zone=ZoneInfo("America/New_York"))  # the 22nd, 18:30
    assert "is overdue: €6.95. It was due today." in says(
        one(OVERDUE, known(due=date(2026, 11, 22))), new_york, early_in_berlin
    )


def test_where_nothing_is_left_to_pay_there_is_nothing_to_pay_or_put_off() -> None:
    assert data(one(NEW, known(left=Decimal(0)))) == ["show:4711", "pdf:4711"]


def test_an_unclear_remainder_shows_the_total_and_says_so() -> None:
    unclear = one(DUE, known(left=None))
    assert "is due in 5 days: €7.95" in says(unclear)
    assert "the provider's figures don't say how much is left to pay" in says(unclear)
    assert data(unclear) == ["show:4711", "pdf:4711", "snooze:4711", "mute:4711"]


def test_a_title_is_shown_as_it_was_written_and_not_too_much_of_it() -> None:
    assert f"\n{NASTY}\n" in says(one(NEW, known(title=NASTY)))
    assert len(says(one(NEW, known(title="x" * 5000)))) < 300


# --- Settled --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("standing", "english", "german"),
    [
        (Standing.PAID, "✅ Invoice 4711 is paid: €7.95.", "✅ Rechnung 4711 ist bezahlt: 7,95 €."),
        (Standing.CANCELLED, "⚪️ Invoice 4711 was cancelled.", "⚪️ Rechnung 4711 wurde storniert."),
        (Standing.REFUNDED, "↩️ Invoice 4711 was refunded.", "↩️ Rechnung 4711 wurde erstattet."),
        (Standing.CLOSED, "⚪️ Invoice 4711 is no longer open.", "⚪️ Rechnung 4711 ist nicht mehr offen."),
        (Standing.GONE, "⚪️ The provider no longer has invoice 4711", "⚪️ Beim Anbieter gibt es Rechnung 4711 nicht"),
    ],
)
def test_what_is_settled_says_how_and_asks_for_nothing(standing: Standing, english: str, german: str) -> None:
    settled = one(SETTLED, closed(standing=standing))
    assert says(settled).startswith(english)
    assert says(settled, DE).startswith(german)
    assert data(settled) == ([] if standing is Standing.GONE else ["show:4711", "pdf:4711"])


def test_that_it_is_gone_is_not_called_paid() -> None:
    assert "paid" not in says(one(SETTLED, closed(standing=Standing.GONE)))


# --- The account ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
@pytest.mark.parametrize("kind", [AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING])
def test_a_trouble_says_what_to_do_and_offers_to_try_again(kind: AlertKind, t: Texts) -> None:
    assert "/link" in says(one(kind), t)
    assert data(one(kind)) == ["check"]


def test_an_outage_says_since_when_and_what_goes_on_meanwhile() -> None:
    away = linked_chat(watch=Watch(NOW - timedelta(days=1)))
    assert says(one(AlertKind.OUTAGE, chat=away)) == (
        "⚠️ I haven't been able to read your invoices since 21 Nov 2026, 10:30. I'll keep trying and tell you when it "
        "works again. Until then I'll remind you about the invoices I already know."
    )
    assert says(one(AlertKind.OUTAGE, chat=away), DE).startswith("⚠️ Seit 21.11.2026, 10:30 kann ich deine Rechnungen")
    assert data(one(AlertKind.OUTAGE, chat=away)) == []


def test_the_end_of_an_outage() -> None:
    assert (
        says(one(AlertKind.OUTAGE_OVER)) == "✅ I've been able to read your invoices again, last on 22 Nov 2026, 09:30."
    )


def test_the_weeks_digest_lists_what_is_open_with_its_total_the_soonest_due_first() -> None:
    covered = known(5, left=Decimal(0))
    invoices = [known(1, due=None), known(2), closed(3), known(4, due=date(2026, 11, 20)), covered]
    weekly = delivery([alert(AlertKind.DIGEST)], invoices)
    assert says(weekly) == (
        "🗓 Your week\n"
        "3 open invoices, together €20.85\n"
        "🔴 4 · €6.95 · due 20 Nov 2026 (2 days ago)\n"
        "🟡 2 · €6.95 · due 27 Nov 2026 (in 5 days)\n"
        "🟡 1 · €6.95 · no due date"
    )
    assert "3 offene Rechnungen, zusammen 20,85 €" in says(weekly, DE)
    assert data(weekly) == [
        *("show:4", "show:2", "show:1"), "payall:1.1.2", "pdfs:1.1.2", "list:all.any.0.0",
    ]  # fmt: skip


def test_the_weeks_digest_of_one_invoice_has_all_its_buttons() -> None:
    assert data(delivery([alert(AlertKind.DIGEST)], [known()])) == [*ALL_BUTTONS, "list:all.any.0.0"]


def test_the_weeks_digest_says_what_is_missing_for_all_and_leads_to_topping_up() -> None:
    chat = linked_chat(credit=CreditWatch(Credit(Decimal("10.00"), "EUR"), NOW))
    t = replace(EN, top_up=TopUpWays(payee=Payee("DE89370400440532013000", "Example GmbH")))
    weekly = delivery([alert(AlertKind.DIGEST)], [known(1, due=None), known(2)], chat=chat)
    assert says(weekly, t).endswith("💰 Credit €10.00. €3.90 short. Enough for 2.")
    ways = [button.data for button in buttons(alerts(t, weekly, weekly.alerts, NOW))]
    assert ways == ["show:2", "show:1", "payall:1.1", "pdfs:1.1", "topup:1:earlier", "list:all.any.0.0"]
    many = [known(number, left=Decimal("0.01")) for number in range(1, 1003)]
    assert says(delivery([alert(AlertKind.DIGEST)], many, chat=chat), t).endswith("18, 19, 20 and others.")


def test_a_digest_of_very_many_invoices_names_the_first_and_leads_to_the_others() -> None:
    weekly = delivery([alert(AlertKind.DIGEST)], [known(10**17 + n) for n in range(200)])
    assert says(weekly).splitlines()[1] == "200 open invoices, together €1,390.00"
    assert says(weekly).endswith("… and more: /invoices shows all of them.")
    assert length(alerts(EN, weekly, weekly.alerts, NOW).text) < TEXT_LIMIT


# --- What is to be known of the message ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AlertKind)
def test_what_may_come_a_second_time_is_marked(kind: AlertKind) -> None:
    invoice = None if kind in ACCOUNT_SUBJECTS else closed() if kind is SETTLED else known()
    assert says(one(kind, invoice, again=True)).endswith(AGAIN)
    assert AGAIN not in says(one(kind, invoice))
    assert "vielleicht schon bekommen" in says(one(kind, invoice, again=True), DE)


def test_a_reminder_from_old_knowledge_says_from_when_that_is() -> None:
    old = linked_chat(watch=Watch(NOW - timedelta(hours=10)))
    assert OLD in says(one(DUE, known(), chat=old))
    assert "Stand 22.11.2026, 00:30; seitdem konnte ich deine Rechnungen nicht lesen." in says(
        one(DUE, known(), chat=old), DE
    )
    assert OLD in says(delivery([alert(AlertKind.DIGEST)], [known()], chat=old))


@pytest.mark.parametrize(
    ("watch", "why"),
    [
        (Watch(HOUR_AGO, trouble=Trouble.TOKEN_REFUSED), "The provider no longer accepts your token. Create a new one"),
        (Watch(HOUR_AGO, trouble=Trouble.PERMISSION_MISSING), "Your token lacks the permission access_invoices."),
        (Watch(HOUR_AGO, failing_since=NOW), "The provider isn't answering properly at the moment."),
    ],
)
@pytest.mark.parametrize("kind", [DUE, OVERDUE, AlertKind.DIGEST])
def test_a_reminder_while_the_account_cannot_be_read_says_why_and_what_to_do(
    watch: Watch, why: str, kind: AlertKind
) -> None:
    number = None if kind is AlertKind.DIGEST else 4711
    blind = delivery([alert(kind, number, created_at=NOW)], [known()], chat=linked_chat(watch=watch))
    assert f"I haven't been able to read your invoices since then.\n{why}" in says(blind)
    assert "check" in data(blind)


def test_what_the_message_says_already_is_not_said_again_below() -> None:
    watch = Watch(HOUR_AGO, trouble=Trouble.TOKEN_REFUSED)
    both = delivery(
        [alert(AlertKind.TOKEN_REFUSED, created_at=NOW), alert(DUE, 4711, created_at=NOW)],
        [known()],
        chat=linked_chat(watch=watch),
    )
    assert says(both).count("no longer accepts your token") == 1
    assert data(both).count("check") == 1


def test_an_alert_that_waited_for_long_says_so_even_if_its_knowledge_was_fresh_when_it_was_found() -> None:
    found = NOW - timedelta(hours=10)
    waited = delivery([alert(DUE, 4711, created_at=found)], [known()], chat=linked_chat(watch=Watch(found)))
    assert OLD in says(waited)


def test_a_reminder_from_fresh_knowledge_does_not_and_neither_does_what_is_settled_for_good() -> None:
    assert "As of" not in says(one(DUE, known(), chat=linked_chat(watch=Watch(HOUR_AGO))))
    assert "As of" not in says(one(SETTLED, closed(), chat=linked_chat(watch=Watch(NOW - timedelta(days=2)))))


# --- Several --------------------------------------------------------------------------------------------------------

ALL_SORTS = delivery(
    [alert(NEW, 1), alert(NEW, 2), alert(DUE, 3, threshold=3), alert(OVERDUE, 4), alert(SETTLED, 5)],
    [known(1), closed(2), known(3), known(4, due=date(2026, 11, 20)), closed(5, paid_at=HOUR_AGO)],
)


def test_several_are_one_message_with_the_total_of_what_is_open() -> None:
    assert says(ALL_SORTS) == (
        "🔔 5 updates on your invoices\n"
        "\n"
        "🧾 New invoice 1: €6.95\nServer 1\nDue: 27 Nov 2026 (in 5 days)\n"
        "\n"
        "✅ New invoice 2: €7.95, already paid\nServer 2\n"
        "\n"
        "⏰ Invoice 3 is due in 5 days: €6.95\nServer 3\nDue: 27 Nov 2026\n"
        "\n"
        "🔴 Invoice 4 is overdue: €6.95. It was due 2 days ago.\nServer 4\nDue: 20 Nov 2026\n"
        "\n"
        "✅ Invoice 5 is paid: €7.95. Nothing more to do.\nServer 5\nPaid: 22 Nov 2026\n"
        "\n"
        "In this message: 3 open invoices, together €20.85"
    )
    assert says(ALL_SORTS, DE).startswith("🔔 5 Neuigkeiten zu deinen Rechnungen\n")


def test_several_lead_to_the_details_of_each_line_and_can_be_paid_sent_and_put_off_together() -> None:
    screen = alerts(EN, ALL_SORTS, ALL_SORTS.alerts, NOW)
    assert [[(b.label, b.data) for b in row] for row in screen.rows] == [
        [("🔎 1", "show:1"), ("🔎 2", "show:2"), ("🔎 3", "show:3")],
        [("🔎 4", "show:4"), ("🔎 5", "show:5")],
        [("💳 Pay these 3: €20.85", "payall:1.2.1")],
        [("📄 All PDFs (5)", "pdfs:1.1.1.1.1")],
        [("💤 Remind me later", "snooze:all")],
    ]


def test_only_what_may_be_paid_here_is_offered_to_be_paid_together() -> None:
    def ways(t: Texts, *invoices: KnownInvoice) -> list[str]:
        told = delivery([alert(NEW, invoice.id) for invoice in invoices], invoices)
        rows = buttons(alerts(t, told, told.alerts, NOW))
        return [button.label for button in rows if button.data.startswith(("pay", "several"))]

    limited = replace(EN, paying=PaymentRules(limit=Decimal(6)))
    assert ways(limited, known(1, left=Decimal(5)), known(2, left=Decimal(6)), known(3)) == ["💳 Pay these 2: €11.00"]
    assert ways(limited, known(1, left=Decimal(5)), known(2)) == ["💳 Pay 1: €5.00"]
    assert ways(EN, known(1, left=None), known(2, left=Decimal(0)), closed(3)) == []
    assert ways(replace(EN, paying=PaymentRules(on=False)), known(1), known(2)) == []
    far_apart = [known(10**17 * n) for n in range(1, 8)]
    assert ways(EN, *far_apart) == ["☑ Choose several"]


def test_one_that_is_gone_has_no_button_and_a_long_number_has_more_room() -> None:
    gone = delivery([alert(NEW, 1), alert(NEW, 2), alert(SETTLED, 3)], [known(1), known(2), closed(3, Standing.GONE)])
    assert [len(row) for row in alerts(EN, gone, gone.alerts, NOW).rows] == [2, 1, 1, 1]
    long = delivery([alert(NEW, 10**9 + n) for n in range(3)], [known(10**9 + n) for n in range(3)])
    assert [len(row) for row in alerts(EN, long, long.alerts, NOW).rows] == [2, 1, 1, 1, 1]


def test_of_several_the_only_one_that_is_open_is_paid_and_put_off_by_itself() -> None:
    two = delivery([alert(NEW, 1), alert(NEW, 2)], [known(1), closed(2)])
    assert data(two) == ["show:1", "show:2", "pay:1", "pdfs:1.1", "snooze:1", "mute:1"]


def test_a_payment_above_the_operators_limit_has_no_button() -> None:
    due = one(DUE, known())
    assert "pay:4711" in data(due)
    limited = replace(EN, paying=PaymentRules(limit=Decimal("6.94")))
    assert "pay:4711" not in [button.data for button in buttons(alerts(limited, due, due.alerts, NOW))]


def test_several_of_which_one_is_open_have_all_its_buttons() -> None:
    two = delivery([alert(DUE, 4711, threshold=3), alert(AlertKind.OUTAGE_OVER)], [known()])
    assert data(two) == ALL_BUTTONS
    assert "open invoice" not in says(two)


def test_a_digest_among_others_tells_the_total_itself() -> None:
    weekly = delivery([alert(DUE, 1), alert(DUE, 2), alert(AlertKind.DIGEST)], [known(1), known(2), known(3)])
    assert says(weekly).count("together") == 1
    assert "3 open invoices, together €20.85" in says(weekly)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
sums = st.decimals(0, 10**9, places=2)
days = st.none() | st.dates(date(2020, 1, 1), date(2035, 1, 1))


@given(data=st.data(), t=st.sampled_from([EN, DE]), again=st.booleans())
def test_whatever_it_tells_it_is_a_message_that_telegram_takes(data: st.DataObject, t: Texts, *, again: bool) -> None:
    kinds = data.draw(st.lists(st.sampled_from(list(AlertKind)), min_size=1, max_size=ALERTS_PER_MESSAGE))
    invoices, told = [], list[Alert]()
    for number, kind in enumerate(kinds, start=10**18 - 20):
        if kind in ACCOUNT_SUBJECTS:
            told.append(alert(kind))
            continue
        standings = st.sampled_from([Standing.OPEN, Standing.PAID]) if kind is NEW else st.just(Standing.OPEN)
        standing = data.draw(st.sampled_from(list(Standing)[1:]) if kind is SETTLED else standings)
        left = data.draw(st.none() | sums) if standing is Standing.OPEN else Decimal(0)
        title, due, total = data.draw(words), data.draw(days), data.draw(sums)
        invoices.append(known(number, standing=standing, left=left, title=title, due=due, total=total, gross=total))
        told.append(alert(kind, number))
    before = [message((replace(invoice, gross=Decimal(1), due=date(2026, 1, 1)), DUE)) for invoice in invoices]
    old = linked_chat(watch=Watch(NOW - timedelta(hours=9)))
    sent = delivery(told, invoices, again=again, chat=old, sent=before)
    edited = message(*((invoice, DUE) for invoice in invoices)) if invoices else None
    screens = [alerts(t, sent, told, NOW), *([struck_through(t, edited, sent)] if edited else [])]
    if len({kind for kind in kinds if kind in ACCOUNT_SUBJECTS}) == sum(kind in ACCOUNT_SUBJECTS for kind in kinds):
        assert all(str(invoice.id) in screens[0].text for invoice in invoices)  # nothing is left out
    for screen in screens:
        assert seen(screen)
        assert length(screen.text) <= TEXT_LIMIT
        assert all(len(button.data.encode()) <= DATA_LIMIT for button in buttons(screen))


# --- What is put off ------------------------------------------------------------------------------------------------


def silenced(sent: Delivery, silences: dict[int, Silence]) -> Delivery:
    return replace(sent, chat=replace(sent.chat, silences=silences))


def test_what_is_put_off_shows_until_when_with_a_way_back() -> None:
    snoozed = silenced(one(NEW, known()), {4711: Silence(until=NOW + timedelta(days=1))})
    assert labels(alerts(EN, snoozed, snoozed.alerts, NOW))[-2:] == [
        "💤 Until 23 Nov 2026, 10:30",
        "⏰ Remind me as usual",
    ]
    assert data(snoozed)[-2:] == ["snooze:4711", "wake:4711"]
    muted = silenced(one(NEW, known()), {4711: Silence(muted=True)})
    assert labels(alerts(DE, muted, muted.alerts, NOW))[-2:] == ["🔕 Keine Erinnerungen", "⏰ Wie üblich erinnern"]


# --- Overtaken messages ---------------------------------------------------------------------------------------------


def struck(t: Texts, sent: SentMessage, *invoices: KnownInvoice) -> tuple[str, list[str]]:
    screen = struck_through(t, sent, delivery([], invoices, sent=[sent]))
    return str(screen.text).replace("\N{NO-BREAK SPACE}", " "), [button.data for button in buttons(screen)]


@pytest.mark.parametrize(
    ("standing", "english", "german"),
    [
        (Standing.PAID, "✅ Paid", "✅ Bezahlt"),
        (Standing.CANCELLED, "⚪️ Cancelled", "⚪️ Storniert"),
        (Standing.REFUNDED, "↩️ Refunded", "↩️ Erstattet"),
        (Standing.CLOSED, "⚪️ No longer open", "⚪️ Nicht mehr offen"),
        (Standing.GONE, "⚪️ No longer at the provider", "⚪️ Nicht mehr beim Anbieter"),
    ],
)
def test_what_is_settled_is_struck_through_with_how_it_ended_and_has_no_buttons(
    standing: Standing, english: str, german: str
) -> None:
    sent = message((known(), DUE))
    due = "<s>Due: 27 Nov 2026</s>"
    text = f"<s>⏰ <b>Invoice 4711 is due in 6 days</b>: €6.95</s>\n<s>Server 4711</s>\n{due}\n{english}"
    assert struck(EN, sent, closed(standing=standing)) == (text, [])
    assert struck(DE, sent, closed(standing=standing))[0].endswith(german)


def test_what_is_no_longer_open_bears_the_provider_s_own_word_and_no_promise() -> None:
    collected = closed(standing=Standing.CLOSED, status_label="In <Inkasso>")
    settled = one(SETTLED, collected)
    assert says(settled).endswith("your provider can tell you.\nServer 4711\nStatus at your provider: In <Inkasso>")
    assert says(settled, DE).endswith("Anbieter sagen.\nServer 4711\nStatus bei deinem Anbieter: In <Inkasso>")
    text = struck(EN, message((known(), DUE)), collected)[0]
    assert text.endswith("\n⚪️ No longer open\nStatus at your provider: <b>In &lt;Inkasso&gt;</b>")
    gone = closed(standing=Standing.GONE, status_label="Payment Pending")  # that was its last one
    assert "Payment Pending" not in says(one(SETTLED, gone)) + struck(EN, message((known(), DUE)), gone)[0]


@pytest.mark.parametrize("kind", [NEW, CHANGED, DUE, OVERDUE])
def test_a_struck_through_alert_keeps_the_words_that_were_said(kind: AlertKind) -> None:
    invoice = known(due=date(2026, 11, 20) if kind is OVERDUE else date(2026, 11, 27), types=("Hosting",))
    alarm = alert(kind, 4711, threshold=3, told_gross=Decimal("9.95"), told_due=date(2026, 11, 25))
    sent, t = delivery([alarm], [invoice]), replace(EN, calendar=CALENDAR)
    said = alerts(t, sent, sent.alerts, NOW).text
    message = message_to_edit(sent.alerts, sent, 7, NOW, words_of(t, sent, sent.alerts, NOW))
    assert message is not None
    later = replace(sent, known={4711: closed()}, sent=[message])
    german = replace(DE, calendar=CALENDAR)
    expected = "\n".join([*(f"<s>{line}</s>" for line in said.splitlines()), "✅ Bezahlt"])
    assert str(struck_through(german, message, later).text) == expected
    assert ("has changed" in expected) is (kind is CHANGED)


def test_that_one_is_settled_stays_said_where_the_other_gives_way_to_a_newer_message() -> None:
    sent = delivery([alert(SETTLED, 1), alert(NEW, 2)], [closed(1), known(2)])
    message = message_to_edit(sent.alerts, sent, 7, NOW, words_of(EN, sent, sent.alerts, NOW))
    assert message is not None
    assert message.shows == {2}
    said = struck_through(EN, message.folding({2}), sent)
    assert str(said.text).split("\n\n") == [
        "✅ <b>Invoice 1 is paid</b>: €7.95. Nothing more to do.\nServer 1",
        "↓ Invoice 2: see further below.",
    ]
    assert said.rows == []


def test_of_three_two_that_are_settled_are_struck_through_and_the_third_stays_as_it_was() -> None:
    sent = message((known(1), NEW), (known(2), DUE), (known(3), OVERDUE))
    text, left = struck(EN, sent, closed(1), known(2), closed(3, Standing.CANCELLED))
    assert text.split("\n\n") == [
        "<s>🧾 <b>New invoice 1</b>: €6.95</s>\n<s>Server 1</s>\n<s>Due: <b>27 Nov 2026</b> (in 6 days)</s>\n✅ Paid",
        "⏰ <b>Invoice 2 is due in 6 days</b>: €6.95\nServer 2\nDue: 27 Nov 2026",
        ("<s>⏰ <b>Invoice 3 is due in 6 days</b>: €6.95</s>\n<s>Server 3</s>\n<s>Due: 27 Nov 2026</s>\n⚪️ Cancelled"),
    ]
    assert left == ["show:2", "pdf:2", "pay:2", "snooze:2", "mute:2"]


def test_what_was_struck_through_stays_so_when_the_next_is_settled() -> None:
    sent = message((known(1), NEW), (known(2), NEW), (known(3), NEW), resolved=[1])
    text, left = struck(EN, sent, closed(1), closed(2), known(3))
    assert text.count("✅ Paid") == 2
    assert "show:3" in left


def test_the_rest_shows_what_was_put_off_meanwhile() -> None:
    sent = message((known(1), DUE), (known(2), DUE))
    asleep = silenced(delivery([], [closed(1), known(2)], sent=[sent]), {2: Silence(until=NOW + timedelta(hours=3))})
    assert "💤 Until 22 Nov 2026, 13:30" in labels(struck_through(EN, sent, asleep))


def test_invoices_that_cannot_be_read_are_named_by_number_with_what_to_do() -> None:
    chat = linked_chat(watch=Watch(NOW, unreadable_told=2))
    assert says(one(AlertKind.UNREADABLE, chat=chat)) == (
        "⚠️ 2 of your invoices can't be read, so I may not be able to remind you about them. Please look at them on "
        "your provider's website."
    )
    assert len(data(one(AlertKind.UNREADABLE, chat=chat))) == 1
    named = linked_chat(watch=Watch(NOW, unreadable_told=2, unreadable_ids=(9, 7)))
    assert says(one(AlertKind.UNREADABLE, chat=named)).endswith("website. They are invoices 9 and 7.")
    some = linked_chat(watch=Watch(NOW, unreadable_told=2, unreadable_ids=(9,)))
    assert says(one(AlertKind.UNREADABLE, chat=some)).endswith("website. One of them is invoice 9.")
    assert says(one(AlertKind.UNREADABLE, chat=some), DE).endswith("an. Darunter ist Rechnung 9.")


def test_due_dates_that_cannot_be_read_are_told_with_their_numbers_apart_from_invoices_that_cannot() -> None:
    undated = [known(number, due=None, due_unreadable=True) for number in (9, 7)]
    sent = delivery(
        [alert(AlertKind.UNREADABLE)],
        [*undated, known(8), closed(5, due_unreadable=True)],
        chat=linked_chat(watch=Watch(NOW, unreadable_told=3)),
    )
    hidden, dates = says(sent).splitlines()
    assert hidden.startswith("⚠️ 1 of your invoices can't be read")
    assert dates.startswith("⚠️ The due dates of invoices 7 and 9 can't be read")


def test_a_new_invoice_whose_due_date_cannot_be_read_says_so() -> None:
    undated = known(due=None, due_unreadable=True)
    assert says(one(NEW, undated, threshold=None)) == (
        "🧾 New invoice 4711: €6.95\nServer 4711\n⚠️ Its due date can't be read. Please look it up in the PDF."
    )
    weekly = delivery([alert(AlertKind.DIGEST)], [undated])
    assert "🟡 4711 · €6.95 · due date can't be read" in says(weekly)


def test_a_list_that_is_not_read_whole_is_told_since_when_and_in_the_provider_s_words() -> None:
    watch = Watch(NOW, outage_told=True, whole_at=NOW - timedelta(days=1), said="Server busy & tired.")
    text = says(one(AlertKind.OUTAGE, chat=linked_chat(watch=watch)))
    assert text.startswith("⚠️ I haven't been able to read all of your invoices since 21 Nov 2026")
    assert text.endswith("The provider says: “Server busy & tired.”")


# --- What follows if nobody pays ------------------------------------------------------------------------------------

CALENDAR = ProviderCalendar(suspend_after=0, delete_after=6, no_grace=frozenset({"domain"}))
SERVER = known(due=date(2026, 12, 27), types=("Hosting",))


@pytest.mark.parametrize(
    ("day", "english", "german"),
    [
        (
            24,
            (
                "⚠️ If it isn't paid, the server will be suspended on the evening of 27 Dec 2026. "
                "On 2 Jan 2027 it will be deleted with all data."
            ),
            (
                "⚠️ Bleibt sie offen, wird der Server am Abend des 27.12.2026 gesperrt. "
                "Am 02.01.2027 werden alle Daten gelöscht."
            ),
        ),
        (
            27,
            "⚠️ The server will be suspended tonight. On 2 Jan 2027 it will be deleted with all data.",
            "⚠️ Der Server wird heute Abend gesperrt. Am 02.01.2027 werden alle Daten gelöscht.",
        ),
        (
            28,
            (
                "⛔️ The server has probably been suspended since last night. It comes back as soon as you pay. "
                "Last chance: 1 Jan 2027. After that it will be deleted with all data."
            ),
            (
                "⛔️ Der Server ist vermutlich seit gestern Abend gesperrt. Sobald du zahlst, ist alles wieder da. "
                "Letzte Chance: 01.01.2027. Danach werden alle Daten gelöscht."
            ),
        ),
        (
            32,
            (
                "⛔️ The server has probably been suspended since the evening of 27 Dec 2026. "
                "It comes back as soon as you pay. "
                "Last chance: today. Tomorrow, on 2 Jan 2027, it will be deleted with all data."
            ),
            (
                "⛔️ Der Server ist vermutlich seit dem Abend des 27.12.2026 gesperrt. Sobald du zahlst, "
                "ist alles wieder da. Letzte Chance: heute. Morgen, am 02.01.2027, werden alle Daten gelöscht."
            ),
        ),
        (
            33,
            "⛔️ The server will be deleted with all data today. This may be the last hour to pay.",
            "⛔️ Der Server wird heute mit allen Daten gelöscht. Das ist vielleicht die letzte Stunde zum Bezahlen.",
        ),
        (
            34,
            "⛔️ The server has probably been deleted with all data on 2 Jan 2027.",
            "⛔️ Der Server wurde vermutlich am 02.01.2027 mit allen Daten gelöscht.",
        ),
    ],
)
def test_a_reminder_says_what_the_provider_will_do(day: int, english: str, german: str) -> None:
    now = datetime(2026, 12, 1, 9, tzinfo=UTC) + timedelta(days=day - 1)
    for t, words in ((EN, english), (DE, german)):
        assert words in says(one(DUE, SERVER), replace(t, calendar=CALENDAR), now)
        assert words in says(delivery([alert(AlertKind.DIGEST)], [SERVER]), replace(t, calendar=CALENDAR), now)


@pytest.mark.parametrize(
    ("types", "day", "words"),
    [
        (("Domain",), 24, "⚠️ If it isn't paid, the domain will be lost on the evening of 27 Dec 2026."),
        (("Domain",), 27, "⚠️ The domain will be lost tonight."),
        (("Domain",), 29, "⛔️ The domain has probably been lost since the evening of 27 Dec 2026."),
        (("Domain", "Hosting"), 27, "⚠️ The service will be suspended tonight."),
    ],
)
def test_what_has_no_grace_is_called_lost(types: tuple[str, ...], day: int, words: str) -> None:
    now = datetime(2026, 12, day, 9, tzinfo=UTC)
    told = says(one(DUE, replace(SERVER, types=types)), replace(EN, calendar=CALENDAR), now)
    assert words in told
    assert ("deleted" in told) is (types != ("Domain",))


def test_the_providers_evening_is_named_by_the_readers_clock() -> None:
    t = replace(EN, calendar=CALENDAR, zone=ZoneInfo("America/New_York"))
    told = says(one(DUE, SERVER), t, datetime(2026, 12, 24, 15, tzinfo=UTC))
    assert "will be suspended from 27 Dec 2026, 12:00 on." in told


def test_without_settings_and_with_nothing_left_to_pay_nothing_is_claimed() -> None:
    covered = replace(SERVER, left=Decimal(0))
    now = datetime(2026, 12, 27, 9, tzinfo=UTC)
    assert "⚠️" not in says(one(DUE, SERVER), EN, now) + says(one(NEW, covered), replace(EN, calendar=CALENDAR), now)
