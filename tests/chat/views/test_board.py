"""The pinned message: what is open, what comes next and what that means, the credit, and the last check."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.chat.views.board import board
from bot.domain.alerts import AlertKind
from bot.domain.chats import Trouble, Watch
from bot.domain.credit import Credit, CreditWatch
from bot.domain.provider_calendar import ProviderCalendar
from tests.chat.deliveries import alert, closed, delivery, known
from tests.chat.samples import DE, EN, NOW, linked_chat

CALENDAR = ProviderCalendar(suspend_after=0, delete_after=6)
EVENING = "the evening of 27 Nov 2026. On 3 Dec 2026 it will be deleted with all data"
CREDIT = CreditWatch(Credit(Decimal("5.02")), NOW, read_at=NOW)
SEVERAL = [
    known(2, due=None, types=("Domain",)),
    known(3, due=date(2026, 12, 1), types=("Hosting",)),
    known(1, types=("Hosting",)),
    closed(4),
]
STANDING = delivery([alert(AlertKind.BOARD)], SEVERAL, chat=linked_chat(credit=CREDIT))


def test_it_says_what_is_open_what_comes_next_what_that_means_the_credit_and_the_last_check() -> None:
    english, german = replace(EN, calendar=CALENDAR), replace(DE, calendar=CALENDAR)
    assert board(english, STANDING, NOW, is_pinned=True).text.splitlines() == [
        "📌 <b>3 open invoices</b>, together €20.85",
        "Next: invoice 1, €6.95, due 27 Nov 2026 (in 5 days)",
        f"⚠️ If it isn't paid, the server will be suspended on {EVENING}.",
        "💰 Credit €5.02. <b>€15.83 short.</b>",
        "🔄 Last check: 22 Nov 2026, 09:30",
    ]
    said = board(german, STANDING, NOW, is_pinned=True).text.replace("\N{NO-BREAK SPACE}", " ")
    assert said.startswith(
        "📌 <b>3 offene Rechnungen</b>, zusammen 20,85 €\nAls Nächstes: Rechnung 1, 6,95 €, fällig am"
    )
    assert board(english, STANDING, NOW, is_pinned=True).rows == []


def test_without_anything_to_pay_and_without_settings_it_claims_nothing() -> None:
    paid = delivery([alert(AlertKind.BOARD)], [closed(4)], chat=linked_chat())
    checked = "🔄 Last check: 22 Nov 2026, 09:30"
    assert board(EN, paid, NOW, is_pinned=True).text.splitlines() == ["📌 <b>Nothing to pay</b>", checked]
    assert "suspended" not in board(EN, STANDING, NOW, is_pinned=True).text


def test_it_says_why_it_is_not_pinned_and_why_the_account_can_not_be_read() -> None:
    watch = Watch(NOW - timedelta(days=2), trouble=Trouble.TOKEN_REFUSED)
    refused = replace(STANDING, chat=linked_chat(watch=watch))
    lines = board(EN, refused, NOW, is_pinned=False).text.splitlines()
    assert lines[-1] == "I'm not allowed to pin messages here. An administrator can allow it, or pin this message."
    assert "no longer accepts your token" in lines[-2]
