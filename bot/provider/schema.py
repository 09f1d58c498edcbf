"""From the provider's JSON to domain objects.

Unknown fields are ignored and missing ones tolerated. Only an id, a total, and whether it is open are required of an
invoice. An unreadable credit is refused too: without it the sum left to pay would be wrong. Anything else that is
broken is left out. A due date or items that are there and can't be read are noted, so that they can be told of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import structlog
from babel.numbers import is_currency

from bot.domain.credit import Credit
from bot.domain.invoices import UNREADABLE_NAMED, Invoice, Item
from bot.domain.standings import UNPAID
from bot.errors import AnswerNotUnderstood, Refused
from bot.offload import HEAVY_BYTES
from bot.provider import dates, envelope, json_text, pages, values

OK = 200

NOTHING = frozenset({b"null", b'""'})
"""How JSON says that there is no value."""

REASONS_LOGGED = 5
"""Why invoices can't be read is logged for the first ones of a list only."""

_BROKEN = (msgspec.DecodeError, ValueError, RecursionError)
"""What the reading of a part raises. Safe to log: these name types and paths, ours a field. None holds a value."""

T = TypeVar("T")

log = structlog.get_logger()


class _Item(msgspec.Struct):
    type: Any = None
    short_description: Any = None
    description: Any = None
    amount: msgspec.Raw = envelope.NULL
    relid: Any = None
    taxed: Any = None


class _Invoice(msgspec.Struct):
    id: Any = None
    status: Any = None
    status_label: Any = None
    is_open: Any = None
    date: Any = None
    duedate: Any = None
    datepaid: Any = None
    subtotal: msgspec.Raw = envelope.NULL
    tax: msgspec.Raw = envelope.NULL
    taxrate: msgspec.Raw = envelope.NULL
    credit: msgspec.Raw = envelope.NULL
    total: msgspec.Raw = envelope.NULL
    items: msgspec.Raw = envelope.NULL


class _Client(msgspec.Struct):
    # The answer also holds personal data, which must not even be decoded.
    credit: msgspec.Raw = envelope.NULL
    currency: Any = None


class _OnlyId(msgspec.Struct):
    id: Any = None


class _Wrapped(msgspec.Struct):
    data: msgspec.Raw = envelope.NULL


_invoices = msgspec.json.Decoder(_Invoice)
_clients = msgspec.json.Decoder(_Client)
_items = msgspec.json.Decoder(list[_Item])
_item = msgspec.json.Decoder(_Item)
_ids = msgspec.json.Decoder(_OnlyId)
_wrapped = msgspec.json.Decoder(_Wrapped)


class InvoicePage(msgspec.Struct, frozen=True):
    """A page of the list: its readable invoices, how many are unreadable, and what it says of other pages.

    ``broken`` are the ids of unreadable ones, as far as these can be read. The four before it are as in
    :class:`bot.provider.pages.RawPage`.
    """

    invoices: tuple[Invoice, ...]
    unreadable: int
    following: Mapping[str, str] | None
    goes_on: bool
    total: int | None
    lacking: int
    broken: tuple[int, ...] = ()


def read_page(body: bytes, zone: ZoneInfo) -> InvoicePage:
    """Read a page of the list, in any of its forms. Leave out, count and log each broken invoice.

    Raise :class:`Refused` if it is a failure in the dress of a success, and :class:`AnswerNotUnderstood` if it as a
    whole can't be read.
    """
    answer = _success_in(body, "list")
    try:
        page = pages.page_of(answer.levels)
    except (msgspec.DecodeError, AnswerNotUnderstood) as error:
        if answer.words:
            raise Refused(OK, answer.words) from None
        raise AnswerNotUnderstood(f"list: {error}") from None
    if not page.entries and answer.is_doubtful:
        # An empty list that needs an explanation proves nothing: the token may be wrong.
        raise Refused(OK, answer.words)
    broken: list[tuple[int | None, str]] = []
    invoices = tuple(_readable_invoices(page.entries, zone, broken))
    unreadable = len(broken)
    if broken and not invoices and not any(number for number, _ in broken):
        _check_that_invoices_are_meant(page.entries)
    if broken:
        reasons = [f"{number}: {reason}" for number, reason in broken[:REASONS_LOGGED]]
        log.warning("invoices can't be read", count=unreadable, first=reasons)
    ids = tuple(number for number, _ in broken if number)[:UNREADABLE_NAMED]
    return InvoicePage(invoices, unreadable, page.following, page.goes_on, page.total, page.lacking, ids)


def _check_that_invoices_are_meant(entries: Sequence[msgspec.Raw]) -> None:
    """Raise if a list holds something else: an error in the place of the invoices, or nothing but texts, say."""
    first = next((entry for entry in map(bytes, entries) if entry.startswith(b"{")), None)
    if first is None:
        raise AnswerNotUnderstood("list: no invoices in it")
    with suppress(msgspec.DecodeError, RecursionError):
        said = envelope.opened(first)
        if said.is_failure or said.is_refusal:
            raise Refused(OK, said.words)


def read_invoice(body: bytes, zone: ZoneInfo) -> Invoice:
    """Read ``{"data": Invoice}``. Raise as :func:`read_page` does."""
    answer = _success_in(body, "invoice")
    try:
        return _to_invoice(_invoices.decode(answer.data), zone)
    except _BROKEN as error:
        if answer.words and "id" not in answer.inner:
            raise Refused(OK, answer.words) from None
        raise AnswerNotUnderstood(f"invoice: {error}") from None


def read_credit(body: bytes) -> Credit:
    """Read ``{"data": {"credit": 5.02, "currency": {"code": "EUR"}}}``, and nothing else of it.

    Raise as :func:`read_page` does.
    """
    answer = _success_in(body, "credit")
    try:
        client = _clients.decode(answer.data)
        return Credit(_required("credit", values.money(client.credit)), _currency_of(client.currency))
    except _BROKEN as error:
        raise AnswerNotUnderstood(f"credit: {error}") from None


def _currency_of(value: object) -> str:
    """Return a currency's code, given as a text or as ``{"code": …}``."""
    code = value.get("code") if isinstance(value, dict) else value
    return code.upper() if isinstance(code, str) and is_currency(code.upper()) else ""


def _success_in(body: bytes, what: str) -> envelope.Envelope:
    if json_text.is_crowded(body):
        raise AnswerNotUnderstood(f"{what}: too many parts")
    try:
        answer = envelope.opened(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AnswerNotUnderstood(f"{what}: {error}") from None
    if answer.is_failure:
        raise Refused(OK, answer.words)
    return answer


def _readable_invoices(
    raws: Iterable[msgspec.Raw], zone: ZoneInfo, broken: list[tuple[int | None, str]]
) -> Iterator[Invoice]:
    """Yield the readable ones. Add the id and the reason of each other one to ``broken``."""
    for raw in raws:
        try:
            yield _to_invoice(_invoices.decode(raw), zone)
        except _BROKEN as error:
            broken.append((_id_of(raw), str(error)))


def _to_invoice(wire: _Invoice, zone: ZoneInfo) -> Invoice:
    status = values.text(wire.status)
    credit = Decimal(0) if bytes(wire.credit) in NOTHING else values.money(wire.credit)
    due = dates.day(wire.duedate, zone)
    items, all_read = _items_in(wire.items)
    invoice = Invoice(
        id=_required("id", values.identity(wire.id)),
        status=status,
        status_label=values.text(wire.status_label) or status,
        is_open=_required("is_open", _is_open(wire.is_open, status)),
        issued=dates.day(wire.date, zone),
        due=due,
        paid_at=dates.instant(wire.datepaid, zone),
        subtotal=values.money(wire.subtotal),
        tax=values.money(wire.tax),
        tax_rate=values.percentage(wire.taxrate),
        credit=_required("credit", credit),
        total=_required("total", values.money(wire.total)),
        items=items,
        due_unreadable=due is None and not dates.is_missing(wire.duedate, zone),
        items_unreadable=not all_read,
    )
    # Nothing is to be paid on a credit note, whatever the provider says.
    return replace(invoice, is_open=False) if invoice.is_open and invoice.is_credit_note else invoice


def _is_open(value: object, status: str) -> bool | None:
    """Return ``is_open``, or what the status says if that is missing. None: neither can be read."""
    is_open = values.truth(value)
    if is_open is None and status:
        return status.casefold() == UNPAID
    return is_open


def _items_in(raw: msgspec.Raw) -> tuple[tuple[Item, ...], bool]:
    """Return the items that can be read, and whether these are all."""
    text = bytes(raw)
    if text in {b"null", b"{}"}:
        return (), True
    if len(text) <= HEAVY_BYTES:  # more in one step would hold up every thread
        with suppress(*_BROKEN):
            return tuple(map(_to_item, _items.decode(text))), True
    entries = _entries_in(raw)
    items = tuple(_readable_items(entries or ()))
    return items, entries is not None and len(items) == len(entries)


def _entries_in(raw: msgspec.Raw) -> Sequence[msgspec.Raw] | None:
    """Return the entries of a list, perhaps wrapped in ``data``, or None if it is none."""
    entries = pages.entries_in(raw)
    if entries is None:
        with suppress(*_BROKEN):
            return pages.entries_in(_wrapped.decode(raw).data)
    return entries


def _readable_items(entries: Iterable[msgspec.Raw]) -> Iterator[Item]:
    for entry in entries:
        with suppress(*_BROKEN):
            yield _to_item(_item.decode(entry))


def _to_item(wire: _Item) -> Item:
    kind, description = values.text(wire.type), values.text(wire.description)
    title = values.text(wire.short_description) or description or kind
    relates_to = values.identity(wire.relid)
    amount, taxed = values.money(wire.amount), values.truth(wire.taxed)
    return Item(kind, title.partition("\n")[0].strip(), description, amount, relates_to, taxed)


def _required(name: str, value: T | None) -> T:
    if value is None:
        raise ValueError(f"no {name} that can be read")
    return value


def _id_of(raw: msgspec.Raw) -> int | None:
    try:
        return values.identity(_ids.decode(raw).id)
    except (msgspec.DecodeError, RecursionError):
        return None
