"""The forms of pages: where the next one is, and whether more exists than was read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, strategies as st

from bot.errors import AnswerNotUnderstood
from bot.provider.envelope import opened
from bot.provider.pages import RawPage, page_of

URL = "http://provider.example/api/v1/client/invoices"
A, B = {"id": 7}, {"id": 8}


def read(content: object) -> RawPage:
    return page_of(opened(json.dumps(content).encode()).levels)


def laravel(current: int, last: int) -> dict[str, Any]:
    """Return the fields of ``paginate()``, without the entries."""
    link = f"{URL}?page={current + 1}" if current < last else None
    return {
        "current_page": current, "first_page_url": f"{URL}?page=1", "from": 2 * current - 1, "last_page": last,
        "last_page_url": f"{URL}?page={last}", "links": [{"url": None, "label": "next", "active": False}],
        "next_page_url": link, "path": URL, "per_page": 2, "prev_page_url": None, "to": 2 * current, "total": 2 * last,
    }  # fmt: skip


def resource(current: int, last: int) -> dict[str, Any]:
    """Return the fields that a resource collection has beside its entries."""
    fields = laravel(current, last)
    links = {"first": None, "last": None, "prev": None, "next": fields["next_page_url"]}
    return {"links": links, "meta": {name: fields[name] for name in fields if not name.endswith("_url")}}


FRACTAL = {"total": 4, "count": 2, "per_page": 2, "current_page": 1, "total_pages": 2}
WITH_NEXT: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "paginate": (laravel(1, 2), {"page": "2"}),
    "simple": ({"current_page": 1, "from": 1, "to": 2, "next_page_url": f"{URL}?page=2"}, {"page": "2"}),
    "cursor": ({"next_cursor": "eyJpZCI6N30", "next_page_url": f"{URL}?cursor=eyJpZCI6N30"}, {"cursor": "eyJpZCI6N30"}),
    "resource": (resource(1, 2), {"page": "2"}),
    "resource simple": ({"links": {"next": f"{URL}?page=2"}, "meta": {"current_page": 1}}, {"page": "2"}),
    "resource cursor": ({"links": {"next": None}, "meta": {"next_cursor": "abc"}}, {"cursor": "abc"}),
    "fractal": ({"meta": {"pagination": FRACTAL | {"links": {"next": f"{URL}?page=2"}}}}, {"page": "2"}),
    "fractal without links": ({"meta": {"pagination": FRACTAL | {"links": []}}}, {"page": "2"}),
    "fractal cursor": ({"meta": {"cursor": {"current": None, "prev": None, "next": 9, "count": 2}}}, {"cursor": "9"}),
    "json api": (
        {"links": {"next": {"href": f"{URL}?page%5Bnumber%5D=2&page%5Bsize%5D=2"}}},
        {"page[number]": "2", "page[size]": "2"},
    ),
    "json api numbers": ({"meta": {"page": {"currentPage": 1, "lastPage": 3}}}, {"page[number]": "2"}),
    "numbers alone": ({"meta": {"current_page": 1, "last_page": 2}}, {"page": "2"}),
    "numbers as texts": ({"meta": {"current_page": "1", "last_page": "2"}}, {"page": "2"}),
    "a number and a total": ({"pagination": {"current_page": 1, "per_page": 2, "total": 3}}, {"page": "2"}),
    "a number and a flag": ({"current_page": 1, "has_more_pages": True}, {"page": "2"}),
    "a number and the end": ({"meta": {"current_page": 1, "from": 1, "to": 2, "total": 3}}, {"page": "2"}),
    "a hal link": ({"_links": {"next": {"href": "/client/invoices?page=2"}}}, {"page": "2"}),
    "a relative link": ({"links": {"next": "?page=2"}}, {"page": "2"}),
    "a link with its url": ({"links": {"next": {"url": "?page=2"}}}, {"page": "2"}),
    "links in an array": (
        {"links": [{"rel": "self", "href": "?page=1"}, {"rel": "next", "href": "?page=2"}]},
        {"page": "2"},
    ),
    "the next number": ({"meta": {"next_page": 2, "page": 1}}, {"page": "2"}),
    "the next number alone": ({"nextPage": "2"}, {"page": "2"}),
    "numbers of floats": ({"current_page": 1.0, "last_page": 2.0}, {"page": "2"}),
    "a full page and nothing else": ({"meta": {"current_page": 1, "per_page": 2}}, {"page": "2"}),
}


@pytest.mark.parametrize("form", WITH_NEXT)
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "wrapped"])
def test_the_next_page_is_found_in_every_form(form: str, wrapped: bool) -> None:  # a parameter of pytest
    fields, following = WITH_NEXT[form]
    page = read({"data": {"data": [A, B]} | fields} if wrapped else {"data": [A, B]} | fields)
    assert page.following == following
    assert page.goes_on
    assert len(page.entries) == 2
    assert page.lacking == 0


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"links": None}, {"links": {"next": None, "prev": "x"}}, {"links": []}, {"links": ["something", "else"]},
        {"links": {"next": ""}}, {"links": {"next": False}}, laravel(2, 2), resource(2, 2), {"next_page_url": None},
        {"meta": {"pagination": FRACTAL | {"current_page": 2, "links": {"previous": f"{URL}?page=1"}}}},
        {"meta": {"cursor": {"current": 9, "prev": None, "next": None, "count": 2}}}, {"meta": {"next_cursor": None}},
        {"has_more": False}, {"meta": "nothing"}, {"meta": {"current_page": 1, "last_page": 1}}, {"meta": []},
        {"meta": {"current_page": 2, "last_page": True}}, {"page": {"x": 1}}, {"links": {"next": {"href": None}}},
        {"links": [{"rel": "prev", "href": "?page=1"}]}, {"next_page": None},
        {"links": {"next": None}, "meta": {"last_page": 2}}, {"last_page": 2, "next_page_url": None},
        {"meta": {"current_page": 2, "next_page": 0}}, {"meta": {"current_page": 1, "per_page": 2, "total": 2}},
        {"meta": {"current_page": 1, "per_page": 3}}, {"meta": {"current_page": 1, "per_page": 1}}, {"per_page": 2},
        {"meta": {"current_page": 1, "per_page": 2}, "links": {"next": None}}, {"pageInfo": {"hasNextPage": False}},
        {"current_page": 1, "per_page": 2, "next_page_url": None}, {"last_page": 1}, {"more": False},
    ],
)  # fmt: skip
def test_a_last_page_is_known_as_such(fields: dict[str, Any]) -> None:
    page = read({"data": [A, B]} | fields)
    assert (page.following, page.goes_on, page.lacking) == (None, False, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"links": {"next": 2}}, {"links": {"next": "http://[broken"}}, {"links": {"next": f"{URL}/page/2"}},
        {"links": {"next": ["x"]}}, {"has_more": True}, {"hasMorePages": 1}, {"next_page_url": {"page": 2}},
        {"meta": {"from": 1, "to": 2, "total": 9}}, {"links": {"next": {"href": 5}}}, {"next": "soon"},
        {"pageInfo": {"hasNextPage": True, "endCursor": "x"}}, {"meta": {"last_page": 2}}, {"has_next": True},
        {"more": 1},
        {"links": [{"rel": "next", "href": "/page/2"}]}, {"links": {"next": {"page": 2}}},
    ],
)  # fmt: skip
def test_a_next_page_that_is_not_understood_differs_from_none(fields: dict[str, Any]) -> None:
    page = read({"data": [A, B]} | fields)
    assert (page.following, page.goes_on) == (None, True)


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({}, None), ({"total": 9}, 9), ({"meta": {"total": "9"}}, 9), ({"count": 9}, 9), ({"meta": {"count": 9}}, 9),
        ({"meta": {"pagination": FRACTAL}}, 4), ({"recordsTotal": 40, "recordsFiltered": 9}, 9),
        ({"total": 3, "meta": {"total": 9}}, 9), ({"meta": {"total": 9, "count": 2}}, 9), ({"total": 7.95}, None),
        ({"total": "7.95"}, None), ({"total": None}, None), ({"total": True}, None), ({"total": -1}, None),
        ({"total": 10**12}, None),
    ],
)  # fmt: skip
def test_the_answer_s_own_count_is_read(fields: Mapping[str, Any], total: int | None) -> None:
    assert read({"data": [A, B], **fields}).total == total


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        (laravel(1, 2) | {"to": 5}, 3),
        ({"meta": {"pagination": FRACTAL | {"count": 3}}}, 1),
        ({"meta": {"cursor": {"next": None, "count": 3}}}, 1),
        ({"meta": {"total": 9, "count": 4}}, 2),
        ({"meta": {"from": None, "to": None, "total": 2}}, 0),
        ({"from": "2026-01-01", "to": "2026-12-31"}, 0),
        ({"from": 2020, "to": 2026}, 0),
    ],
)
def test_entries_that_a_page_counts_and_does_not_hold_are_missed(fields: dict[str, Any], lacking: int) -> None:
    assert read({"data": [A, B]} | fields).lacking == lacking


@pytest.mark.parametrize("data", [[A, B], {"0": A, "2": B}, {"data": [A, B]}, {"data": {"1": A, "2": B}}])
def test_a_list_is_an_array_or_an_object_of_numbers_also_wrapped_once_more(data: object) -> None:
    assert [json.loads(bytes(entry)) for entry in read({"data": data}).entries] == [A, B]


@pytest.mark.parametrize(
    "data",
    [
        None, 5, "x", True, {}, {"id": 7}, {"0": A, "total": 2}, {"a": A}, {"-1": A}, {"data": {}}, {"data": None},
        {"current_page": 1}, {"current_page": 1, "data": "x"}, {"invoices": [A]},
        {"data": {"data": {"data": {"data": [A]}}}},
    ],
)  # fmt: skip
def test_anything_else_is_no_list(data: object) -> None:
    with pytest.raises(AnswerNotUnderstood):
        read({"data": data})


NAMES = ["data", "links", "meta", "next", "total", "count", "from", "to", "page", "cursor", "current_page", "last_page"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.lists(st.just(A), max_size=3))
def test_any_facts_beside_a_list_are_read_or_ignored(fields: dict[str, Any], entries: list[object]) -> None:
    page = read(fields | {"data": entries})
    assert len(page.entries) == len(entries)
    assert page.goes_on or page.following is None
    assert page.lacking >= 0


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_answer_is_a_page_or_not_understood(content: dict[str, Any]) -> None:
    try:
        assert read(content).entries is not None
    except AnswerNotUnderstood:
        return
