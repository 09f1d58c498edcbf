"""Alerts of each kind, as things stand when they are sent."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.chat.texts import Texts
from bot.chat.views.alerts import alert
from bot.domain.alerts import Alert, AlertKind, KnownInvoice
from bot.domain.chats import Chat, Place
from bot.ports import Claim, Delivery
from tests.chat.samples import DE, EN, NASTY, NOW, buttons, labels, linked_chat, seen

ACCOUNT_KINDS = [AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING]
AGAIN = "You may have received this message already: the connection broke while I was sending it."


def known(**others: Any) -> KnownInvoice:
    fields: dict[str, Any] = {
        "id": 4711,
        "is_open": True,
        "due": date(2026, 11, 27),
        "left": Decimal("6.95"),
        "total": Decimal("7.95"),
        "title": "Server 4711",
    }
    return KnownInvoice(**(fields | others))


def delivery(
    kind: AlertKind, invoice: KnownInvoice | None, *, again: bool = False, chat: Chat | None = None, **others: Any
) -> Delivery:
    fields: dict[str, Any] = {"id": "1", "place": Place(1), "account": "account", "kind": kind}
    fields |= {"created_at": NOW - timedelta(hours=1)}
    return Delivery(Claim("1", 1), Alert(**(fields | others)), chat or linked_chat(), invoice, again)


def says(kind: AlertKind, invoice: KnownInvoice | None, t: Texts = EN, **others: Any) -> str:
    return seen(alert(t, delivery(kind, invoice, **others), NOW)).replace("\N{NO-BREAK SPACE}", " ")


def test_a_new_invoice() -> None:
    screen = alert(EN, delivery(AlertKind.NEW, known()), NOW)
    assert seen(screen) == "🧾 New invoice 4711: €6.95\nServer 4711\nDue: 27 Nov 2026 (in 5 days)"
    assert [(b.label, b.data) for b in buttons(screen)] == [
        ("🔎 Details", "show:4711"),
        ("📄 PDF", "pdf:4711"),
        ("💳 Pay €6.95 with credit", "pay:4711"),
    ]


def test_a_new_invoice_in_german() -> None:
    assert says(AlertKind.NEW, known(), DE) == (
        "🧾 Neue Rechnung 4711: 6,95 €\nServer 4711\nFällig: 27.11.2026 (in 5 Tagen)"
    )


def test_a_new_invoice_without_title_and_date() -> None:
    assert says(AlertKind.NEW, known(title="", due=None)) == "🧾 New invoice 4711: €6.95"


@pytest.mark.parametrize(
    ("due", "english", "german"),
    [
        (date(2026, 11, 29), "Invoice 4711 is due in 7 days: €6.95", "Rechnung 4711 ist in 7 Tagen fällig: 6,95 €"),
        (date(2026, 11, 23), "Invoice 4711 is due tomorrow: €6.95", "Rechnung 4711 ist morgen fällig: 6,95 €"),
        (date(2026, 11, 22), "Invoice 4711 is due today: €6.95", "Rechnung 4711 ist heute fällig: 6,95 €"),
    ],
)
def test_a_reminder_tells_how_much_time_there_is(due: date, english: str, german: str) -> None:
    assert says(AlertKind.DUE, known(due=due)).startswith(f"⏰ {english}\n")
    assert says(AlertKind.DUE, known(due=due), DE).startswith(f"⏰ {german}\n")


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
    assert says(AlertKind.OVERDUE, known(due=due)).startswith(f"🔴 Invoice 4711 is {english}\n")
    assert says(AlertKind.OVERDUE, known(due=due), DE).startswith(f"🔴 Rechnung 4711 ist {german}")


def test_a_reminder_that_comes_late_says_how_things_stand_now() -> None:
    late = known(due=date(2026, 11, 20))
    assert says(AlertKind.DUE, late, threshold=3).startswith(
        "🔴 Invoice 4711 is overdue: €6.95. It was due 2 days ago."
    )


def test_the_day_is_the_one_in_the_providers_zone() -> None:
    just_after_midnight = NOW.replace(hour=23, minute=30)
    text = seen(alert(EN, delivery(AlertKind.DUE, known(due=date(2026, 11, 23))), just_after_midnight))
    assert "is due today" in text


def test_where_nothing_is_left_to_pay_there_is_no_button_to_pay() -> None:
    assert labels(alert(EN, delivery(AlertKind.NEW, known(left=Decimal(0))), NOW)) == ["🔎 Details", "📄 PDF"]


def test_an_unclear_remainder_shows_the_total_and_says_so() -> None:
    screen = alert(EN, delivery(AlertKind.DUE, known(left=None)), NOW)
    assert "is due in 5 days: €7.95" in seen(screen)
    assert "the provider's figures don't say how much is left to pay" in seen(screen)
    assert labels(screen) == ["🔎 Details", "📄 PDF"]


def test_a_title_is_shown_as_it_was_written_and_not_too_much_of_it() -> None:
    assert f"\n{NASTY}\n" in says(AlertKind.NEW, known(title=NASTY))
    assert len(says(AlertKind.NEW, known(title="x" * 5000))) < 300


@pytest.mark.parametrize("t", [EN, DE], ids=["en", "de"])
@pytest.mark.parametrize("kind", ACCOUNT_KINDS)
def test_an_alert_about_the_account_says_what_to_do(kind: AlertKind, t: Texts) -> None:
    text = says(kind, None, t)
    assert "/link" in text
    assert buttons(alert(t, delivery(kind, None), NOW)) == []


@pytest.mark.parametrize("kind", AlertKind)
def test_what_may_come_a_second_time_is_marked(kind: AlertKind) -> None:
    invoice = None if kind in ACCOUNT_KINDS else known()
    assert says(kind, invoice, again=True).endswith(AGAIN)
    assert AGAIN not in says(kind, invoice)
    assert "vielleicht schon bekommen" in says(kind, invoice, DE, again=True)


def test_a_reminder_from_old_knowledge_says_from_when_that_is() -> None:
    old = linked_chat(checked_at=NOW - timedelta(hours=3))
    assert "As of 22 Nov 2026, 07:30; the provider has not been reachable since then." in says(
        AlertKind.DUE, known(), chat=old
    )
    assert "Stand 22.11.2026, 07:30; seitdem war der Anbieter" in says(AlertKind.DUE, known(), DE, chat=old)


def test_an_alert_that_waited_for_long_says_so_even_if_its_knowledge_was_fresh_when_it_was_found() -> None:
    found = NOW - timedelta(hours=10)
    assert "As of 22 Nov 2026, 00:30" in says(
        AlertKind.DUE, known(), chat=linked_chat(checked_at=found), created_at=found
    )


def test_a_reminder_from_fresh_knowledge_does_not() -> None:
    fresh = linked_chat(checked_at=NOW - timedelta(hours=1))
    assert "As of" not in says(AlertKind.DUE, known(), chat=fresh, created_at=NOW - timedelta(hours=1))
