"""From the provider's JSON to domain objects.

Unknown fields are ignored and missing ones tolerated. Only an id, a total, and whether it is open are required of an
invoice. An unreadable credit is refused too: without it the sum left to pay would be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import structlog
from babel.numbers import is_currency

from bot.domain.credit import Credit
from bot.domain.invoices import Invoice, Item
from bot.errors import AnswerNotUnderstood
from bot.provider import values

UNPAID = "unpaid"
"""If ``is_open`` is missing, this status means "open", in any letter case."""

_NULL = msgspec.Raw(b"null")

_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
"""A pair of surrogates, half a pair alone (this is the group), or any other escape."""

T = TypeVar("T")

log = structlog.get_logger()


class _Item(msgspec.Struct):
    type: Any = None
    short_description: Any = None
    description: Any = None
    amount: msgspec.Raw = _NULL


class _Invoice(msgspec.Struct):
    id: Any = None
    status: Any = None
    status_label: Any = None
    is_open: Any = None
    date: Any = None
    duedate: Any = None
    datepaid: Any = None
    subtotal: msgspec.Raw = _NULL
    tax: msgspec.Raw = _NULL
    taxrate: msgspec.Raw = _NULL
    credit: msgspec.Raw = _NULL
    total: msgspec.Raw = _NULL
    items: list[_Item] | None = None


class _Links(msgspec.Struct):
    next: str | None = None


class _Page(msgspec.Struct):
    # PHP writes a list whose numbering has gaps as an object.
    data: list[msgspec.Raw] | dict[str, msgspec.Raw]
    links: msgspec.Raw = _NULL


class _Single(msgspec.Struct):
    data: msgspec.Raw


class _Client(msgspec.Struct):
    # The answer also holds personal data, which must not even be decoded.
    credit: msgspec.Raw = _NULL
    currency: Any = None


class _OnlyId(msgspec.Struct):
    id: Any = None


_pages = msgspec.json.Decoder(_Page)
_singles = msgspec.json.Decoder(_Single)
_invoices = msgspec.json.Decoder(_Invoice)
_links = msgspec.json.Decoder(_Links)
_clients = msgspec.json.Decoder(_Client)
_ids = msgspec.json.Decoder(_OnlyId)


class InvoicePage(msgspec.Struct, frozen=True):
    """A page of the list: its readable invoices, the number of unreadable ones, and the next page's URL as sent."""

    invoices: tuple[Invoice, ...]
    unreadable: int
    next: str | None


def read_page(body: bytes, zone: ZoneInfo) -> InvoicePage:
    """Read ``{"data": [Invoice, …]}``. Leave out, count and log each broken invoice.

    Raise :class:`AnswerNotUnderstood` if the page as a whole can't be read.
    """
    try:
        page = _pages.decode(_readable_text(body))
    except msgspec.DecodeError as error:
        raise AnswerNotUnderstood(f"list: {error}") from None
    raws = page.data if isinstance(page.data, list) else page.data.values()
    invoices = tuple(_readable_invoices(raws, zone))
    return InvoicePage(invoices, len(raws) - len(invoices), _next_of(page.links))


def read_invoice(body: bytes, zone: ZoneInfo) -> Invoice:
    """Read ``{"data": Invoice}``. Raise :class:`AnswerNotUnderstood` if it can't be read."""
    try:
        return _to_invoice(_invoices.decode(_singles.decode(_readable_text(body)).data), zone)
    except (msgspec.DecodeError, ValueError) as error:
        raise AnswerNotUnderstood(f"invoice: {error}") from None


def read_credit(body: bytes) -> Credit:
    """Read ``{"data": {"credit": 5.02, "currency": {"code": "EUR"}}}``, and nothing else of it.

    Raise :class:`AnswerNotUnderstood` if it names no sum.
    """
    try:
        client = _clients.decode(_singles.decode(_readable_text(body)).data)
        return Credit(_required("credit", values.money(client.credit)), _currency_of(client.currency))
    except (msgspec.DecodeError, ValueError) as error:
        raise AnswerNotUnderstood(f"credit: {error}") from None


def _currency_of(value: object) -> str:
    """Return a currency's code, given as a text or as ``{"code": …}``."""
    code = value.get("code") if isinstance(value, dict) else value
    return code.upper() if isinstance(code, str) and is_currency(code.upper()) else ""


def _readable_text(body: bytes) -> str:
    """Return the JSON with U+FFFD in place of each character cut in two, as UTF-8 or as an escaped surrogate."""
    text = body.decode(errors="replace")
    if not _HALF.search(text):
        return text
    return _ESCAPE.sub(lambda escape: r"\ufffd" if escape[1] else escape[0], text)


def _readable_invoices(raws: Iterable[msgspec.Raw], zone: ZoneInfo) -> Iterator[Invoice]:
    for raw in raws:
        try:
            yield _to_invoice(_invoices.decode(raw), zone)
        except (msgspec.DecodeError, ValueError) as error:
            # Safe to log: msgspec's error names types and paths, ours a field. Neither holds a value.
            log.warning("invoice can't be read", invoice=_id_of(raw), reason=str(error))


def _to_invoice(wire: _Invoice, zone: ZoneInfo) -> Invoice:
    status = values.text(wire.status)
    credit = Decimal(0) if bytes(wire.credit) == b"null" else values.money(wire.credit)
    return Invoice(
        id=_required("id", values.identity(wire.id)),
        status=status,
        status_label=values.text(wire.status_label) or status,
        is_open=_required("is_open", _is_open(wire.is_open, status)),
        issued=values.day(wire.date, zone),
        due=values.day(wire.duedate, zone),
        paid_at=values.instant(wire.datepaid, zone),
        subtotal=values.money(wire.subtotal),
        tax=values.money(wire.tax),
        tax_rate=values.percentage(wire.taxrate),
        credit=_required("credit", credit),
        total=_required("total", values.money(wire.total)),
        items=tuple(_to_item(item) for item in wire.items or ()),
    )


def _is_open(value: object, status: str) -> bool | None:
    """Return ``is_open``, or what the status says if that is missing. None: neither can be read."""
    is_open = values.truth(value)
    if is_open is None and status:
        return status.casefold() == UNPAID
    return is_open


def _to_item(wire: _Item) -> Item:
    kind, description = values.text(wire.type), values.text(wire.description)
    title = values.text(wire.short_description) or description or kind
    return Item(kind, title.partition("\n")[0].strip(), description, values.money(wire.amount))


def _required(name: str, value: T | None) -> T:
    if value is None:
        raise ValueError(f"no {name} that can be read")
    return value


def _next_of(links: msgspec.Raw) -> str | None:
    try:
        return _links.decode(links).next if bytes(links) != b"null" else None
    except msgspec.DecodeError:
        return None  # the provider may use the name "links" for something else


def _id_of(raw: msgspec.Raw) -> int | None:
    try:
        return values.identity(_ids.decode(raw).id)
    except msgspec.DecodeError:
        return None
