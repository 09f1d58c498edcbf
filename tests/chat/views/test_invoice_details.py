"""One invoice in detail: the provider's own samples, sums, and the limits of a message."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from bot.chat.screens import DATA_LIMIT, TEXT_LIMIT, length
from bot.chat.texts import Texts
from bot.chat.views.invoice_details import invoice_details
from bot.domain.invoices import Invoice, Item
from bot.domain.queries import ItemKind, ListPage, Query, StatusFilter
from bot.sandbox.telegram.html import parse_html
from tests.chat.samples import CANCELLED_SERVER, DE, EN, NASTY, NOW, PAID_DOMAIN, buttons, invoice, labels, seen


def details(shown: Invoice, t: Texts = EN) -> str:
    return seen(invoice_details(t, shown, NOW)).replace("\N{NO-BREAK SPACE}", " ")


# --- The samples of the provider's reference ------------------------------------------------------------------------


def test_the_paid_domain_in_english() -> None:
    assert details(PAID_DOMAIN) == (
        "🧾 Invoice 212032 · Paid\n"
        "Issued: 17 Nov 2022\n"
        "Due: 27 Dec 2022\n"
        "Paid: 17 Nov 2022\n"
        "\n"
        "• Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023): €0.00\n"
        "\n"
        "Net: €0.00\n"
        "Tax (19%): €0.00\n"
        "Total: €0.00"
    )


def test_the_paid_domain_in_german() -> None:
    assert details(PAID_DOMAIN, DE) == (
        "🧾 Rechnung 212032 · Bezahlt\n"
        "Ausgestellt: 17.11.2022\n"
        "Fällig: 27.12.2022\n"
        "Bezahlt: 17.11.2022\n"
        "\n"
        "• Domain Verlängerung - - 1 Jahr(e) (27.12.2022 - 26.12.2023): 0,00 €\n"
        "\n"
        "Netto: 0,00 €\n"
        "Steuer (19 %): 0,00 €\n"
        "Gesamt: 0,00 €"
    )


def test_the_cancelled_server_in_english_was_never_paid_and_asks_for_nothing() -> None:
    text = details(CANCELLED_SERVER)
    assert text == (
        "🧾 Invoice 130348 · Cancelled\n"
        "Issued: 28 Jun 2020\n"
        "Due: 27 Jun 2020\n"
        "\n"
        "• KVM Konfigurierbar (SSD) - (27.06.2020 - 26.07.2020): €7.95\n"
        "   Betriebssystem: Windows (Log-In ready)\n"
        "   Prozessor: 2 Kerne\n"
        "   RAM: 4GB RAM\n"
        "   NVMe SSD Speicher: 50GB SSD\n"
        "   Netzwerkgeschwindigkeit: bis zu 200 MBit/s\n"
        "\n"
        "Net: €6.68\n"
        "Tax (19%): €1.27\n"
        "Total: €7.95\n"
        "Credit applied: €1.00"
    )
    assert labels(invoice_details(EN, CANCELLED_SERVER, NOW)) == ["📄 PDF"]


def test_the_cancelled_server_in_german() -> None:
    text = details(CANCELLED_SERVER, DE)
    assert "Fällig: 27.06.2020\n" in text
    assert "\nPaid: " not in text
    assert "\nBezahlt: " not in text
    assert text.endswith("Netto: 6,68 €\nSteuer (19 %): 1,27 €\nGesamt: 7,95 €\nVerrechnetes Guthaben: 1,00 €")


# --- Dates ----------------------------------------------------------------------------------------------------------


def test_an_open_invoice_says_how_long_there_is() -> None:
    assert "Due: 27 Nov 2026 (in 5 days)" in details(invoice())
    assert "Fällig: 27.11.2026 (in 5 Tagen)" in details(invoice(), DE)
    assert "Due: 20 Nov 2026 (2 days ago)" in details(invoice(due=date(2026, 11, 20)))


def test_an_open_invoice_without_a_due_date_says_so() -> None:
    assert "The provider gives no due date." in details(invoice(due=None))
    assert "due date" not in details(replace(CANCELLED_SERVER, due=None))


def test_an_invoice_without_any_date_is_shown_all_the_same() -> None:
    text = details(replace(PAID_DOMAIN, issued=None, due=None, paid_at=None))
    assert text.startswith("🧾 Invoice 212032 · Paid\n\n• Domain")


@pytest.mark.parametrize("label", ["", "Unpaid", "Unbezahlt", "Awaiting payment"])
def test_a_status_that_says_just_that_has_our_word_whatever_the_provider_calls_it(label: str) -> None:
    assert "Invoice 4711 · Open\n" in details(invoice(status_label=label))
    assert "Rechnung 4711 · Offen\n" in details(invoice(status_label=label), DE)


# --- Sums and buttons -----------------------------------------------------------------------------------------------


def test_an_open_invoice_can_be_paid_and_fetched() -> None:
    screen = invoice_details(EN, invoice(), NOW)
    assert seen(screen).endswith("Total: €7.95\nLeft to pay: €7.95")
    assert [(b.label, b.data) for b in buttons(screen)] == [
        ("📄 PDF", "pdf:4711"),
        ("💳 Pay €7.95 with credit", "pay:4711"),
        ("📋 4711", ""),
        ("📋 7.95", ""),
    ]


def test_applied_credit_can_be_taken_back_and_only_the_rest_is_paid() -> None:
    screen = invoice_details(EN, invoice(credit=Decimal("1.00")), NOW)
    assert seen(screen).endswith("Total: €7.95\nCredit applied: €1.00\nLeft to pay: €6.95")
    assert labels(screen) == ["📄 PDF", "💳 Pay €6.95 with credit", "↩️ Take back €1.00 of credit", "📋 4711", "📋 6.95"]


def test_where_the_figures_contradict_each_other_no_sum_is_made_up() -> None:
    screen = invoice_details(EN, invoice(total=Decimal("5.00"), credit=Decimal("1.00")), NOW)
    assert "Total: €5.00\nCredit applied: €1.00\nCredit was applied; the provider's figures don't say" in seen(screen)
    assert labels(screen) == ["📄 PDF", "↩️ Take back €1.00 of credit"]


def test_a_total_after_credit_is_shown_before_it_so_that_the_sums_can_be_checked() -> None:
    net = invoice(subtotal=Decimal(20), tax=Decimal("3.80"), total=Decimal(20), credit=Decimal("3.80"))
    end = "Net: €20.00\nTax (19%): €3.80\nTotal: €23.80\nCredit applied: €3.80"
    assert details(net).endswith(f"{end}\nLeft to pay: €20.00")
    assert details(replace(net, is_open=False, status="Paid")).endswith(end)


def test_what_does_not_add_up_is_said_to() -> None:
    assert "Tax (19%): €1.27\nRounding: -€0.01\nTotal: €7.94" in details(invoice(total=Decimal("7.94")))
    other = details(invoice(total=Decimal("9.00")))
    assert "Total: €9.00\nThe provider's net and tax don't add up to this total.\nLeft to pay: €9.00" in other
    surplus = details(invoice(credit=Decimal("9.00")))
    assert surplus.endswith("Total: €7.95\nCredit applied: €9.00\nMore credit than needed: €1.05\nLeft to pay: €0.00")


SUMS = st.decimals(0, 10**6, places=2)


@given(
    SUMS, SUMS, st.decimals(-10, 10**6, places=2), st.booleans(), st.sampled_from(["0", "0.01", "-0.01", "0.02", "5"])
)
def test_what_is_shown_adds_up_to_the_cent_or_is_said_not_to(
    net: Decimal, tax: Decimal, credit: Decimal, after_credit: bool, off: str
) -> None:
    total = net + tax + Decimal(off) - (credit if after_credit else 0)
    text = details(invoice(subtotal=net, tax=tax, tax_rate=None, total=total, credit=credit))

    def shown(name: str) -> Decimal:
        found = re.search(rf"^{name}: (-?)€([\d.,]+)$", text, re.MULTILINE)
        return Decimal((found[1] + found[2]).replace(",", "")) if found else Decimal(0)

    if "don't say how much" in text:
        assert "Left to pay" not in text
        return
    if "don't add up" not in text:
        assert shown("Net") + shown("Tax") + shown("Rounding") == shown("Total")
    assert abs(shown("Rounding")) <= Decimal("0.01")
    assert shown("Total") - shown("Credit applied") + shown("More credit than needed") == shown("Left to pay")


def test_an_open_invoice_that_is_covered_has_no_button_to_pay() -> None:
    screen = invoice_details(EN, invoice(credit=Decimal("7.95")), NOW)
    assert "Left to pay: €0.00" in seen(screen)
    assert "pay:4711" not in [button.data for button in buttons(screen)]


def test_missing_subtotal_or_tax_leaves_its_line_out() -> None:
    text = details(invoice(tax=None))
    assert "Net:" not in text
    assert "Tax" not in text
    assert "Total: €7.95" in text


def test_a_tax_whose_rate_is_unknown_is_shown_without_one() -> None:
    assert "\nTax: €1.27\n" in details(invoice(tax_rate=None))
    assert "\nSteuer: 1,27 €\n" in details(invoice(tax_rate=None), DE)


def test_from_a_list_there_is_a_way_back_to_the_very_page() -> None:
    page = ListPage(Query(StatusFilter.OPEN, ItemKind.HOSTING), 3)
    screen = invoice_details(EN, invoice(), NOW, page)
    assert buttons(screen)[-1].label == "« Back to the list"
    assert buttons(screen)[-1].data == "list:open.hosting.0.3"


# --- Items ----------------------------------------------------------------------------------------------------------


def with_items(*items: Item) -> Invoice:
    return invoice(items=items)


def test_an_item_without_an_amount_has_none() -> None:
    assert "• Domain example.de\n" in details(with_items(Item("Domain", "Domain example.de", "", None)))


def test_an_item_without_a_title_is_called_by_its_type() -> None:
    assert "• Domain: €1.00\n" in details(with_items(Item("Domain", "", "", Decimal(1))))


def test_a_description_that_only_begins_like_the_title_is_shown_whole() -> None:
    text = details(with_items(Item("Domain", "Domain", "Domainverlängerung example.de", Decimal(1))))
    assert "• Domain: €1.00\n   Domainverlängerung example.de\n" in text


def test_a_description_does_not_repeat_the_title() -> None:
    text = details(with_items(Item("Hosting", "Server", "Server\r\nRAM: 4 GB\r\n\r\nSSD: 50 GB", Decimal(1))))
    assert "• Server: €1.00\n   RAM: 4 GB\n   SSD: 50 GB\n" in text


def test_what_the_provider_wrote_is_shown_as_it_was_written() -> None:
    shown = invoice(
        status="Pending", status_label=NASTY, items=(Item("Hosting", NASTY, f"{NASTY}\n{NASTY}!", Decimal(1)),)
    )
    text = details(shown)
    assert f"· {NASTY}\n" in text
    assert f"• {NASTY}: €1.00\n   {NASTY}!\n" in text


def test_a_status_of_several_lines_stays_on_one() -> None:
    assert details(invoice(status="Pending", status_label="Awaiting\npayment")).startswith(
        "🧾 Invoice 4711 · Awaiting payment\n"
    )


@pytest.mark.parametrize("character", ["x", "&", "\N{BEER MUG}"])
def test_an_invoice_with_hundreds_of_long_items_fits_and_keeps_its_sums(character: str) -> None:
    item = Item("Hosting", "Server", "Server\n" + character * 2000, Decimal("7.95"))
    screen = invoice_details(EN, invoice(items=(item,) * 200), NOW)
    assert length(screen.text) <= TEXT_LIMIT
    text = seen(screen)
    assert len(text) > 1500
    assert "… see the PDF for the rest.\n\nNet: €6.68" in text
    assert text.endswith("Left to pay: €7.95")


texts = st.text(max_size=120) | st.builds(lambda text, n: text * n, st.text(max_size=3), st.integers(0, 999))
items = st.builds(Item, texts, texts, texts, st.none() | st.decimals(0, 10**9, places=2))
amounts = st.decimals(0, 10**12, places=2)


@given(
    st.integers(1, 10**18 - 1), st.lists(items, max_size=30).map(tuple), amounts, amounts, st.none() | amounts, texts
)
def test_any_invoice_keeps_telegrams_limits(
    number: int, parts: tuple[Item, ...], total: Decimal, credit: Decimal, rate: Decimal | None, label: str
) -> None:
    shown = invoice(number, items=parts, total=total, credit=credit, tax_rate=rate, status_label=label)
    screen = invoice_details(
        DE, shown, NOW, ListPage(Query(StatusFilter.OPEN, ItemKind.DONATION, with_transactions=True), 9999)
    )
    assert length(screen.text) <= TEXT_LIMIT
    assert parse_html(screen.text).text
    assert all(len(button.data.encode()) <= DATA_LIMIT for button in buttons(screen))
    assert all(0 < len(button.label) <= 64 for button in buttons(screen))


def test_what_cannot_be_read_of_an_invoice_is_said() -> None:
    text = details(replace(invoice(), due=None, due_unreadable=True, items_unreadable=True))
    assert "⚠️ Its due date can't be read. Please look it up in the PDF." in text
    assert "Some of its items can't be read." in text
    assert "gives no due date" not in text
