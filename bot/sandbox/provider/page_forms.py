"""A list in pages, in the forms that Laravel and its usual packages produce."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlencode

Json = dict[str, Any]

PER_PAGE = 2


class PageForm(StrEnum):
    """Laravel's three paginators, as they are and as resources, and what packages make of them."""

    RESOURCE = "resource"
    RESOURCE_SIMPLE = "resource_simple"
    RESOURCE_CURSOR = "resource_cursor"
    PAGINATE = "paginate"
    SIMPLE = "simple"
    CURSOR = "cursor"
    WRAPPED = "wrapped"
    FRACTAL = "fractal"
    FRACTAL_CURSOR = "fractal_cursor"
    JSON_API = "json_api"
    NUMBERS = "numbers"
    NEXT_NUMBER = "next_number"
    LINKS_IN_ARRAY = "links_in_array"
    FULL_PAGES = "full_pages"


@dataclass(frozen=True, slots=True)
class _Page:
    """A page that is to be written: the entries on it, its number, how many entries there are, and the list's URL."""

    entries: Sequence[Json]
    number: int
    total: int
    url: str

    @property
    def last(self) -> int:
        return max(1, -(-self.total // PER_PAGE))

    @property
    def following(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    def link(self, name: str = "page", number: int | None = None) -> str | None:
        """Return the URL of the next page. As in Laravel, it lacks the filters."""
        number = number or self.following
        return None if number is None else f"{self.url}?{urlencode({name: number})}"

    @property
    def numbers(self) -> Json:
        start = (self.number - 1) * PER_PAGE
        first, last = (start + 1, start + len(self.entries)) if self.entries else (None, None)
        return {"current_page": self.number, "from": first, "path": self.url, "per_page": PER_PAGE, "to": last}

    @property
    def counts(self) -> Json:
        return self.numbers | {"last_page": self.last, "total": self.total}

    def links(self, name: str = "page") -> Json:
        return {"first": self.link(name, 1), "last": None, "prev": None, "next": self.link(name)}


def paged(entries: Sequence[Json], query: str, url: str, form: PageForm) -> Json:
    """Return the page that the query asks for, as the form writes it."""
    asked = parse_qs(query)
    number = int((asked.get("page") or asked.get("page[number]") or asked.get("cursor") or ["1"])[0])
    start = (number - 1) * PER_PAGE
    page = _Page(entries[start : start + PER_PAGE], number, len(entries), url)
    return {"data": list(page.entries)} | _FORMS[form](page)


def _wrapped(page: _Page) -> Json:
    return {"data": {"data": list(page.entries), **page.counts, "next_page_url": page.link()}}


def _fractal(page: _Page) -> Json:
    following = page.link()
    counts = {"total": page.total, "count": len(page.entries), "per_page": PER_PAGE}
    numbers = {"current_page": page.number, "total_pages": page.last, "links": {"next": following} if following else []}
    return {"meta": {"pagination": counts | numbers}}


_FORMS: Mapping[PageForm, Callable[[_Page], Json]] = {
    PageForm.RESOURCE: lambda page: {"links": page.links(), "meta": page.counts},
    PageForm.RESOURCE_SIMPLE: lambda page: {"links": page.links(), "meta": page.numbers},
    PageForm.RESOURCE_CURSOR: lambda page: {
        "links": page.links("cursor"),
        "meta": {"path": page.url, "per_page": PER_PAGE, "next_cursor": page.following, "prev_cursor": None},
    },
    PageForm.PAGINATE: lambda page: page.counts | {"next_page_url": page.link(), "links": []},
    PageForm.SIMPLE: lambda page: page.numbers | {"next_page_url": page.link()},
    PageForm.CURSOR: lambda page: {"next_cursor": page.following, "next_page_url": page.link("cursor")},
    PageForm.WRAPPED: _wrapped,
    PageForm.FRACTAL: _fractal,
    PageForm.FRACTAL_CURSOR: lambda page: {"meta": {"cursor": {"next": page.following, "count": len(page.entries)}}},
    PageForm.JSON_API: lambda page: {
        "links": {"next": {"href": page.link("page[number]")}},
        "meta": {"page": {"currentPage": page.number, "lastPage": page.last, "total": page.total}},
    },
    PageForm.NUMBERS: lambda page: {"meta": {"current_page": page.number, "last_page": page.last}},
    PageForm.NEXT_NUMBER: lambda page: {"meta": {"page": page.number, "next_page": page.following}},
    PageForm.LINKS_IN_ARRAY: lambda page: {"links": [{"rel": "next", "href": link}] if (link := page.link()) else []},
    PageForm.FULL_PAGES: lambda page: {"meta": {"current_page": page.number, "per_page": PER_PAGE}},
}
