"""The forms in which Laravel, and the packages that are usual with it, write a list and its pages.

Inference: nothing is documented, so every form is followed: ``paginate``, ``simplePaginate`` and ``cursorPaginate``, as
they are or as resources, wrapped in ``data`` once more or not; fractal's ``meta.pagination`` and ``meta.cursor``; the
links of JSON:API. Where no form is understood, but the answer says that there is more, that much is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from bot.errors import AnswerNotUnderstood
from bot.provider import values
from bot.provider.envelope import NULL, Level

MAX_NUMBER_LENGTH = 9
"""Digits of a count or a page number. A longer one is none."""

_entries = msgspec.json.Decoder(list[msgspec.Raw])
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])

_HOLDERS = ("meta", "pagination", "paginator", "paginatorInfo", "pageInfo", "paging", "page", "cursor")
"""Objects that hold such facts. ``meta`` may hold another one of them."""

_CURRENT = ("current_page", "currentPage", "page")
_LAST = ("last_page", "lastPage", "total_pages", "totalPages", "page_count", "pageCount", "pages")
_PER_PAGE = ("per_page", "perPage")
_TOTAL = ("total", "total_count", "totalCount", "total_items", "totalItems", "recordsFiltered", "recordsTotal")
_NEXT = ("next_page", "nextPage")
_URL = ("next_page_url", "nextPageUrl", "next_url", "nextUrl", "next_link", "nextLink", "next", *_NEXT)
_CURSOR = ("next_cursor", "nextCursor")
_MORE = (
    "has_more", "hasMore", "has_more_pages", "hasMorePages", "has_next_page", "hasNextPage", "has_next", "hasNext",
    "more",
)  # fmt: skip
_LINKS = ("links", "_links")
_OF_PAGE = ("count", "from", "to")
_FACTS = frozenset((*_HOLDERS, *_CURRENT, *_LAST, *_PER_PAGE, *_TOTAL, *_URL, *_LINKS, *_CURSOR, *_MORE, *_OF_PAGE))


@dataclass(frozen=True, slots=True)
class _Facts:
    """An object of the answer that may speak of pages, with the name under which it was found."""

    name: str
    fields: Mapping[str, Any]

    def number(self, names: Iterable[str]) -> int | None:
        """Return the first of these fields that is a whole number, or its digits."""
        spelled = (str(self.fields.get(name)).removesuffix(".0") for name in names)
        return next((int(text) for text in spelled if _is_number(text)), None)

    @property
    def links(self) -> Iterator[object]:
        """Whatever stands where the link to the next page may be."""
        if self.name != "cursor":
            yield from (self.fields.get(name) for name in _URL)
        for links in map(self.fields.get, _LINKS):
            if isinstance(links, dict):
                yield _target(links.get("next"))
            elif isinstance(links, list):
                yield from (_target(link) for link in links if isinstance(link, dict) and link.get("rel") == "next")

    @property
    def cursor(self) -> str | None:
        names = (*_CURSOR, "next") if self.name == "cursor" else _CURSOR
        cursors = (self.fields.get(name) for name in names)
        return next((str(cursor) for cursor in cursors if cursor and isinstance(cursor, str | int)), None)

    @property
    def says_more(self) -> bool:
        """Whether it says that there is more, without saying where."""
        to, total = self.number(["to"]), self.number(_TOTAL)
        ends_early = to is not None and total is not None and to < total
        return ends_early or any(values.truth(self.fields.get(name)) for name in _MORE)

    @property
    def says_whether_more(self) -> bool:
        """Whether it would say that there is more, if there were."""
        links = (self.fields.get(name) for name in _LINKS)
        names = {*self.fields, *(name for each in links if isinstance(each, dict) for name in each)}
        return not names.isdisjoint((*_URL, *_CURSOR, *_MORE))

    @property
    def may_be_first_of_several(self) -> bool:
        """Whether it counts pages, without saying which one this is."""
        return (self.number(_LAST) or 0) > 1 and self.number(_CURRENT) is None

    @property
    def last(self) -> int | None:
        """The number of the last page."""
        last, total, per_page = self.number(_LAST), self.number(_TOTAL), self.number(_PER_PAGE)
        if last is None and total is not None and per_page:
            return -(-total // per_page)
        return last

    @property
    def next_number(self) -> int | None:
        current, last, told = self.number(_CURRENT), self.last, self.number(_NEXT)
        if told is not None and told > (current or 1):
            return told
        if current is None or not (self.says_more or (last is not None and current < last)):
            return None
        return current + 1

    @property
    def total(self) -> int | None:
        """How many entries all pages have. A ``count`` beside a ``total`` is that of this page."""
        return self.number((*_TOTAL, "count") if self.name in {"", "meta"} else _TOTAL)

    @property
    def on_page(self) -> int:
        """How many entries this page should have, as far as it says so."""
        first, last = self.number(["from"]), self.number(["to"])
        if first and last and self.number((*_CURRENT, *_PER_PAGE)):
            return last - first + 1
        is_of_page = self.name not in {"", "meta"} or self.number(_TOTAL) is not None
        return (self.number(["count"]) or 0) if is_of_page else 0


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page of a list, its entries unread.

    ``following`` are the query parameters of the next page. ``goes_on``: there is more, perhaps in a way that is not
    understood. ``total`` is how many entries all pages have, and ``lacking`` how many this one lacks, by its own count.
    """

    entries: Sequence[msgspec.Raw]
    following: Mapping[str, str] | None = None
    goes_on: bool = False
    total: int | None = None
    lacking: int = 0


def page_of(levels: Sequence[Level]) -> RawPage:
    """Return the page in an answer. Raise :class:`AnswerNotUnderstood` if it holds no list.

    ``levels`` are the objects of :class:`bot.provider.envelope.Envelope`.
    """
    around, entries = _list_in(levels)
    facts = [found for level in around for found in _facts_in(level) if found.fields]
    following, goes_on = _following(facts), any(found.says_more or any(found.links) for found in facts)
    if not any(found.says_whether_more for found in facts):
        following = following or _behind_full(facts, len(entries))
        goes_on = goes_on or any(found.may_be_first_of_several for found in facts)
    totals = [total for found in facts if (total := found.total) is not None]
    return RawPage(
        entries,
        following,
        goes_on=goes_on or following is not None,
        total=max(totals, default=None),
        lacking=max(0, max((found.on_page for found in facts), default=0) - len(entries)),
    )


def _list_in(levels: Sequence[Level]) -> tuple[Sequence[Level], Sequence[msgspec.Raw]]:
    """Return the list's entries, and the objects around it."""
    for depth, level in enumerate(levels, start=1):
        if (entries := entries_in(level.get("data", NULL))) is not None:
            return levels[:depth], entries
    raise AnswerNotUnderstood("list: no array in its data")


def _following(facts: Sequence[_Facts]) -> Mapping[str, str] | None:
    """Return the query of the next page: by its link, by its cursor, or by its number."""
    for found in facts:
        for link in found.links:
            if isinstance(link, str) and (query := _query_of(link)):
                return query
    for found in facts:
        if found.cursor is not None:
            return {"cursor": found.cursor}
    for found in facts:
        if found.next_number is not None:
            return {"page[number]" if found.name == "page" else "page": str(found.next_number)}
    return None


def _behind_full(facts: Sequence[_Facts], count: int) -> Mapping[str, str] | None:
    """Return the query of the page behind a full one. Nothing says whether there is one, so that is found out."""
    for found in facts:
        current = found.number(_CURRENT)
        if current is not None and found.number(_PER_PAGE) == count > 0 and found.last is None:
            return {"page": str(current + 1)}
    return None


def _target(link: object) -> object:
    """Return where a link leads: itself, or its address if it is an object."""
    if isinstance(link, dict):
        return next((link[name] for name in ("href", "url") if name in link), link)
    return link


def _query_of(link: str) -> Mapping[str, str]:
    try:
        return dict(httpx.URL(link).params)
    except httpx.InvalidURL:
        return {}


def entries_in(data: msgspec.Raw) -> Sequence[msgspec.Raw] | None:
    """Return the entries of an array, or None if it is none.

    PHP writes an array whose numbering has gaps as an object with these numbers. An empty object is no list: it may
    stand for anything.
    """
    text = bytes(data)
    if text.startswith(b"["):
        return _entries.decode(text)
    if text.startswith(b"{"):
        found = _objects.decode(text)
        if found and all(key.isdecimal() for key in found):
            return list(found.values())
    return None


def _facts_in(level: Level) -> Iterator[_Facts]:
    """Yield the objects that may speak of pages: the level itself, and those in it."""
    fields = {}
    for name in _FACTS & level.keys():
        with suppress(msgspec.DecodeError, RecursionError):
            fields[name] = msgspec.json.decode(level[name])
    yield _Facts("", fields)
    for holder in _holders(fields):
        yield holder
        if holder.name == "meta":
            yield from _holders(holder.fields)


def _holders(fields: Mapping[str, Any]) -> Iterator[_Facts]:
    return (_Facts(name, fields[name]) for name in _HOLDERS if isinstance(fields.get(name), dict))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_NUMBER_LENGTH
