"""The provider's JSON as a whole, with every trap of its invoices."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st
from structlog.testing import capture_logs

from bot.domain.invoices import Invoice, Item
from bot.domain.standings import Standing
from bot.errors import AnswerNotUnderstood, Refused
from bot.provider.schema import read_invoice, read_page
from tests.provider.world import BERLIN

LEAST = {"id": 7, "total": "7.95", "is_open": True}


def invoice_of(**fields: Any) -> Invoice:
    return read_invoice(json.dumps({"data": LEAST | fields}).encode(), BERLIN)


def test_an_invoice_with_the_required_fields_only_is_read() -> None:
    assert invoice_of() == Invoice(
        id=7,
        status="",
        status_label="",
        is_open=True,
        issued=None,
        due=None,
        paid_at=None,
        subtotal=None,
        tax=None,
        tax_rate=None,
        credit=Decimal(0),
        total=Decimal("7.95"),
        items=(),
    )


def test_null_counts_as_missing() -> None:
    names = ["status", "status_label", "date", "duedate", "datepaid", "subtotal", "tax", "taxrate", "credit", "items"]
    assert invoice_of(**dict.fromkeys(names)) == invoice_of()


def test_an_empty_credit_is_none() -> None:
    assert invoice_of(credit="") == invoice_of()


def test_unknown_fields_are_ignored() -> None:
    assert invoice_of(donation_invoice=False, resources={"invoice": "https://x"}, new={"a": [1]}) == invoice_of()


@pytest.mark.parametrize(
    ("told", "status", "is_open"),
    [
        (True, "Paid", True),  # is_open decides, not the wording
        (False, "Unpaid", False),
        (1, "Payment Pending", True),
        (0, "Draft", False),
        ("1", "", True),
        (None, "Unpaid", True),
        (None, "unpaid", True),
        (None, "Cancelled", False),
        (None, "Payment Pending", False),
        ("perhaps", "Unpaid", True),
    ],
)
def test_is_open_decides_and_if_it_is_missing_the_status_does(told: object, status: str, is_open: bool) -> None:
    assert invoice_of(is_open=told, status=status, status_label="Bezahlt").is_open is is_open


def test_a_missing_label_is_the_status() -> None:
    assert invoice_of(status="Draft").status_label == "Draft"


def test_a_zero_date_means_unpaid_and_not_unreadable() -> None:
    assert invoice_of(datepaid="-000001-11-29T23:06:32.000000Z").paid_at is None


@pytest.mark.parametrize(
    ("fields", "item"),
    [
        ({}, Item("", "", "", None)),
        ({"short_description": "a", "description": "a\nb", "amount": "1.00"}, Item("", "a", "a\nb", Decimal(1))),
        ({"description": "a\nb", "amount": 7.95}, Item("", "a", "a\nb", Decimal("7.95"))),
        ({"short_description": "a\nb", "description": "a\nb"}, Item("", "a", "a\nb", None)),
        ({"short_description": "", "description": None, "type": "Domain"}, Item("Domain", "Domain", "", None)),
        (
            {"short_description": "\u200b", "description": "\u202e\n", "type": "Domain"},
            Item("Domain", "Domain", "", None),
        ),
        ({"amount": "free", "taxed": 1, "relid": None}, Item("", "", "", None, taxed=True)),
    ],
)
def test_items_are_read_as_far_as_possible(fields: dict[str, Any], item: Item) -> None:
    assert invoice_of(items=[fields]).items == (item,)


@pytest.mark.parametrize(
    "broken",
    [
        {"id": None}, {"id": "x"}, {"id": 0}, {"total": None}, {"total": "a lot"}, {"total": 1e12}, {"credit": "some"},
        {"is_open": None},
    ],
)  # fmt: skip
def test_an_invoice_without_a_required_field_is_not_understood(broken: dict[str, Any]) -> None:
    with pytest.raises(AnswerNotUnderstood):
        invoice_of(**broken)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'"data"', b"<html>", b'{"data": null}', b'{"data": 1}', b'{"data": "x"}', b'{"dat',
     b'{"data": [1', b"\xff\xfe", b'{"data": [] } trailing'],
)  # fmt: skip
def test_anything_but_a_list_is_not_understood_and_never_an_empty_list(body: bytes) -> None:
    with pytest.raises(AnswerNotUnderstood):
        read_page(body, BERLIN)
    with pytest.raises(AnswerNotUnderstood):
        read_invoice(body, BERLIN)


@pytest.mark.parametrize("part", ["0", "{}", '""', "[]"])
def test_millions_of_tiny_parts_are_not_decoded(part: str) -> None:
    body = f'{{"data": [{",".join([part] * 600_000)}]}}'.encode()
    for read in (read_page, read_invoice):
        with pytest.raises(AnswerNotUnderstood, match="too many parts"):
            read(body, BERLIN)


def test_a_hundred_thousand_entries_are_read_or_counted() -> None:
    entries = [{"id": number} for number in range(1, 100_000)]
    assert read_page(json.dumps({"data": [*entries, LEAST]}).encode(), BERLIN).unreadable == 99_999


@pytest.mark.parametrize("broken", [None, 1, "x", [], {}, {"id": 99}, LEAST | {"id": 99, "total": []}])
def test_one_broken_invoice_is_left_out_and_counted(broken: object) -> None:
    page = read_page(json.dumps({"data": [LEAST, broken, LEAST | {"id": 8}]}).encode(), BERLIN)
    assert [invoice.id for invoice in page.invoices] == [7, 8]
    assert page.unreadable == 1
    assert page.broken == ((99,) if isinstance(broken, dict) and "id" in broken else ())


@pytest.mark.parametrize(
    ("spelled", "title"),
    [
        (rb"\ud800", "\ufffd"),
        (rb"Server \ud83d", "Server \ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ude00\ud83d", "\ufffd\ufffd"),
        (rb"\uD83D\uDE00 \u00fc", "\U0001f600 \u00fc"),
        (rb"\\ud800 \\\ud800", "\\ud800 \\\ufffd"),
        (b"Server \xf0\x9f\x98", "Server \ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    ],
)
def test_a_character_cut_in_two_costs_no_invoice(spelled: bytes, title: str) -> None:
    one = b'{"id": 9, "total": 1, "is_open": true, "items": [{"short_description": "%s"}]}' % spelled
    page = read_page(b'{"data": [%s, %s]}' % (one, json.dumps(LEAST).encode()), BERLIN)
    assert [invoice.title for invoice in page.invoices] == [title, ""]
    assert page.unreadable == 0
    assert read_invoice(b'{"data": %s}' % one, BERLIN).title == title


@given(st.text(st.characters(categories=["Cs", "Lu", "So"]) | st.sampled_from('\\"ud8')))
def test_any_text_is_kept_except_for_half_characters(text: str) -> None:
    joined = json.loads(json.dumps(text))  # Python's decoder joins pairs, and keeps halves
    # Two halves can also join to a private or unassigned character. Those are removed.
    visible = "".join(c for c in joined if unicodedata.category(c) not in {"Cn", "Co", "Cf", "Cc"})
    assert invoice_of(status=text).status == re.sub("[\ud800-\udfff]", "\ufffd", visible)


def test_a_broken_invoice_is_logged_by_its_id_without_its_content() -> None:
    broken = {"id": 99, "total": "private words", "description": "private words", "status": {"x": "private words"}}
    with capture_logs() as logs:
        read_page(json.dumps({"data": [broken]}).encode(), BERLIN)
    assert [(entry["event"], entry["count"], entry["first"][0][:3]) for entry in logs] == [
        ("invoices can't be read", 1, "99:")
    ]
    assert "private words" not in str(logs)


def test_php_s_list_as_an_object_is_read() -> None:
    page = read_page(json.dumps({"data": {"0": LEAST, "2": LEAST | {"id": 8}}}).encode(), BERLIN)
    assert [invoice.id for invoice in page.invoices] == [7, 8]


def test_one_invoice_with_a_hundred_thousand_brackets_hides_nothing() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    least = json.dumps(LEAST)
    body = f'{{"data": [{least[:-1]}, "odd": {deep}}}, {{"id": 8, "total": {deep}}}, {least}]}}'
    page = read_page(body.encode(), BERLIN)
    assert [invoice.id for invoice in page.invoices] == [7, 7]
    assert page.unreadable == 1


@pytest.mark.parametrize(
    ("items", "titles", "unreadable"),
    [
        ([], [], False),
        ({}, [], False),
        (None, [], False),
        ({"0": {"description": "a"}, "2": {"description": "b"}}, ["a", "b"], False),
        ([{"description": "a"}, "x", None, {"description": "b"}], ["a", "b"], True),
        ({"0": {"description": "a"}, "1": 5}, ["a"], True),
        ({"data": [{"description": "a"}, {"description": "b"}]}, ["a", "b"], False),
        ({"data": []}, [], False),
        ({"data": None}, [], True),
        ("none", [], True),
        (5, [], True),
        ({"first": {"description": "a"}}, [], True),
    ],
)
def test_broken_items_are_left_out_and_noted_and_cost_no_invoice(
    items: object, titles: list[str], unreadable: object
) -> None:
    invoice = invoice_of(items=items)
    assert [item.title for item in invoice.items] == titles
    assert invoice.items_unreadable is unreadable


PHP_DATE = {"date": "2026-11-26 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("given", "due", "unreadable"),
    [
        ("2026-11-25T23:00:00.000000Z", date(2026, 11, 26), False),
        (PHP_DATE, date(2026, 11, 26), False),
        ("next Thursday", None, True),
        ({"day": 26}, None, True),
        (None, None, False),
        ("0000-00-00 00:00:00", None, False),
    ],
)
def test_a_due_date_that_is_there_and_cannot_be_read_is_noted(
    given: object, due: date | None, unreadable: object
) -> None:
    invoice = invoice_of(duedate=given)
    assert (invoice.due, invoice.due_unreadable) == (due, unreadable)


def test_other_dates_that_cannot_be_read_cost_nothing() -> None:
    assert invoice_of(date="soon", datepaid={"x": 1}) == invoice_of()


@pytest.mark.parametrize(
    "failure",
    [
        {"success": False, "data": [], "message": "Invalid API key."},
        {"data": {"error": True, "type": "auth", "message": "Invalid API key."}},
        {"result": "error", "message": "Invalid API key."},
        {"message": "Invalid API key."},
        {"data": None, "message": "Invalid API key."},
        {"data": {"message": "Invalid API key."}},
        {"data": [], "message": "Invalid API key."},
        {"data": {"data": [], "error": "Invalid API key."}},
        {"data": {"data": {"data": [], "success": False, "message": "Invalid API key."}}},
        {"data": [], "meta": {"success": False, "message": "Invalid API key."}},
        {"data": [], "status": {"code": 401, "message": "Invalid API key."}},
        {"data": [], "errorMessage": "Invalid API key."},
        {"data": [], "messages": ["Invalid API key."]},
        {"data": [{"error": True, "message": "Invalid API key."}]},
        {"data": [{"message": "Invalid API key."}]},
    ],
)
def test_a_failure_in_the_dress_of_a_success_is_refused_in_its_own_words(failure: object) -> None:
    with pytest.raises(Refused) as caught:
        read_page(json.dumps(failure).encode(), BERLIN)
    assert caught.value.arguments == {"status": 200, "reason": "Invalid API key."}
    with pytest.raises((Refused, AnswerNotUnderstood)):
        read_invoice(json.dumps(failure).encode(), BERLIN)


@pytest.mark.parametrize(
    "entries", [["Invalid API key."], [None], [1, 2], [[]], [[LEAST]], {"0": "x"}], ids=["text", "null", "numbers",
    "empty list", "list", "object"],
)  # fmt: skip
def test_a_list_of_something_else_is_no_list_of_invoices(entries: object) -> None:
    with pytest.raises(AnswerNotUnderstood, match="no invoices in it"):
        read_page(json.dumps({"data": entries}).encode(), BERLIN)


def test_invoices_that_all_lack_an_id_are_counted() -> None:
    odd = LEAST | {"id": "RE-2026-7", "type": "Hosting", "status": "Unpaid"}
    assert read_page(json.dumps({"data": [odd, odd]}).encode(), BERLIN).unreadable == 2


@pytest.mark.parametrize("name", ["status", "result", "code"])
@pytest.mark.parametrize("word", ["unauthorized", "expired", "INVALID_TOKEN"])
def test_an_empty_list_with_a_result_that_is_no_success_is_a_failure(name: str, word: str) -> None:
    for content in ({"data": [], name: word}, {"data": {"data": [], name: word}}):
        with pytest.raises(Refused):
            read_page(json.dumps(content).encode(), BERLIN)


@pytest.mark.parametrize(
    "said", [{"status": "OK"}, {"status": 200}, {"code": 0}, {"result": "success"}, {"type": "invoices"}, {"code": "0"}]
)
def test_an_empty_list_with_a_result_that_is_a_success_is_empty(said: dict[str, Any]) -> None:
    assert read_page(json.dumps({"data": [], **said}).encode(), BERLIN).invoices == ()


def test_an_empty_list_whose_success_is_said_may_bear_words() -> None:
    body = {"success": True, "message": "No invoices found.", "data": []}
    assert read_page(json.dumps(body).encode(), BERLIN).invoices == ()


def test_a_list_with_invoices_may_bear_words() -> None:
    body = {"message": "Here they are.", "data": [LEAST]}
    assert len(read_page(json.dumps(body).encode(), BERLIN).invoices) == 1


@given(st.binary())
def test_any_bytes_are_a_page_or_not_understood(body: bytes) -> None:
    try:
        page = read_page(body, BERLIN)
    except AnswerNotUnderstood:
        return
    assert page.unreadable >= 0


@given(
    st.dictionaries(
        st.sampled_from([*LEAST, "status", "date", "duedate", "datepaid", "subtotal", "tax", "credit", "items"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.dictionaries(st.text(), st.text())),
    )
)
def test_any_invoice_in_a_list_is_read_or_counted(fields: dict[str, Any]) -> None:
    page = read_page(json.dumps({"data": [fields, LEAST]}).encode(), BERLIN)
    assert len(page.invoices) + page.unreadable == 2
    assert page.invoices[-1].id == 7


@pytest.mark.parametrize(
    ("fields", "standing"),
    [
        ({"total": "-5.00"}, Standing.CREDIT_NOTE),
        ({"total": "-5.00", "status": "Unpaid"}, Standing.CREDIT_NOTE),
        ({"total": -3, "credit": -2, "subtotal": -5, "tax": 0}, Standing.CREDIT_NOTE),  # after credit
        ({"total": "-5.00", "status": "Paid", "is_open": False}, Standing.PAID),
        ({"total": "-2.00", "subtotal": 5, "tax": 0, "credit": 7}, Standing.OPEN),  # more credit than needed
        ({"total": 0}, Standing.OPEN),
    ],
)
def test_a_credit_note_is_not_open_whatever_the_provider_says(fields: dict[str, Any], standing: Standing) -> None:
    read = invoice_of(**fields)
    assert read.standing is standing
    assert read.is_open is (standing is Standing.OPEN)
    assert read.odd_status == ""
