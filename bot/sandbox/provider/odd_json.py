"""Odd but possible ways to write invoices in JSON, most of them PHP's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.entities import codepoint2name
from typing import Any

from bot.sandbox.provider.responses import BufferedResponse, json_response

Json = dict[str, Any]

DEPTH = 100_000
DATES = ("duedate", "datepaid", "date")
SUMS = ("subtotal", "tax", "credit", "total")
TEXTS = ("short_description", "description")


def with_list(response: BufferedResponse, change: Callable[[list[Json]], Json]) -> BufferedResponse:
    """Return the answer with its list written otherwise. Any other answer stays as it is."""
    content = _content(response)
    if not isinstance(content.get("data"), list):
        return response
    return replace(response, body=json.dumps(content | change(content["data"])).encode())


def with_broken_invoice(response: BufferedResponse) -> BufferedResponse:
    """Return the list with an invoice in front that nobody can read."""
    broken = {"id": 99, "total": "a lot", "is_open": True, "items": "none"}
    return with_list(response, lambda entries: {"data": [broken, *entries]})


def without_invoices(response: BufferedResponse) -> BufferedResponse:
    """Return what an account without any invoice answers: an empty list, and a 404 for each single one."""
    data = _content(response).get("data")
    if isinstance(data, dict) and "items" in data:
        return json_response(404, {"message": "No query results."})
    return with_list(response, lambda _: {"data": []})


def counting_more(response: BufferedResponse) -> BufferedResponse:
    """Return a list that lacks its first invoice and counts it nevertheless. No link leads to it."""
    return with_list(response, lambda entries: {"data": entries[1:], "meta": {"total": len(entries)}})


def with_broken_items(response: BufferedResponse) -> BufferedResponse:
    """Return invoices with an item that is none behind the others."""
    return _with_each(response, lambda invoice: invoice | {"items": [*invoice["items"], "none"]})


def with_items_as_object(response: BufferedResponse) -> BufferedResponse:
    """Return invoices whose items are numbered with gaps: PHP writes them as an object."""
    return _with_each(
        response, lambda invoice: invoice | {"items": {str(2 * n): i for n, i in enumerate(invoice["items"])}}
    )


def with_dates_as_objects(response: BufferedResponse) -> BufferedResponse:
    """Return invoices with dates as PHP writes a DateTime. Zero dates stay as they are."""
    return _with_each(response, lambda invoice: invoice | {name: _as_object(invoice[name]) for name in DATES})


def with_unreadable_dates(response: BufferedResponse) -> BufferedResponse:
    """Return invoices whose due date nobody can read."""
    return _with_each(response, lambda invoice: invoice | {"duedate": "next Thursday"})


def with_long_numbers(response: BufferedResponse) -> BufferedResponse:
    """Return invoices with all digits of each binary number, as PHP does with a ``serialize_precision`` of 100."""
    if not _content(response):
        return response
    text = re.sub(r"\d+\.\d+(?=[,}\]])", lambda found: str(Decimal(float(found[0]))), response.body.decode())
    return replace(response, body=text.encode())


def with_more_digits(response: BufferedResponse) -> BufferedResponse:
    """Return invoices whose sums have more decimals than the currency: each is a thousandth larger."""

    def larger(amount: object) -> float:
        return float(Decimal(str(amount)) * Decimal("1.001"))

    def written(invoice: Json) -> Json:
        items = [item | {"amount": larger(item["amount"])} for item in invoice["items"]]
        return invoice | {name: larger(invoice[name]) for name in SUMS} | {"items": items}

    return _with_each(response, written)


def with_odd_status(response: BufferedResponse) -> BufferedResponse:
    """Return open invoices whose status says more than that they are unpaid."""
    odd = {"status": "Payment Pending", "status_label": "Zahlung ausstehend"}
    return _with_each(response, lambda invoice: invoice | (odd if invoice["is_open"] else {}))


def with_entities(response: BufferedResponse) -> BufferedResponse:
    """Return invoices whose texts are written as in HTML: ``&amp;``, ``&uuml;``, ``&#039;``."""

    def written(invoice: Json) -> Json:
        items = [item | {name: _as_html(item[name]) for name in TEXTS} for item in invoice["items"]]
        return invoice | {"items": items, "status_label": _as_html(invoice["status_label"])}

    return _with_each(response, written)


def _as_html(text: str) -> str:
    """Write a text as PHP's ``htmlentities`` does."""
    named = {ord("'"): "&#039;"} | {code: f"&{name};" for code, name in codepoint2name.items()}
    return text.translate(named)


def with_depths(response: BufferedResponse) -> BufferedResponse:
    """Return invoices with an unknown field that nests too deep for a decoder. It stands in the first one."""
    deep = "[" * DEPTH + "]" * DEPTH
    return replace(response, body=re.sub(rb'"id":', f'"odd":{deep},"id":'.encode(), response.body, count=1))


def _as_object(spelled: str) -> object:
    if not spelled[0].isdigit():
        return spelled
    moment = datetime.fromisoformat(spelled).astimezone(UTC)
    return {"date": f"{moment:%Y-%m-%d %H:%M:%S.%f}", "timezone_type": 3, "timezone": "UTC"}


def _with_each(response: BufferedResponse, change: Callable[[Json], Json]) -> BufferedResponse:
    """Return the answer with each of its invoices changed, be it a list or a single one."""
    data = _content(response).get("data")
    if not isinstance(data, list | dict):
        return response
    changed = [change(invoice) for invoice in data] if isinstance(data, list) else change(data)
    return replace(response, body=json.dumps({"data": changed}).encode())


def _content(response: BufferedResponse) -> Json:
    is_json = response.headers.get("content-type") == "application/json"
    return dict(json.loads(response.body)) if is_json else {}
