"""Random envelopes, over real HTTP: nothing follows from an answer that is not a whole, successful list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings, strategies as st
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from bot.domain.alerts import AlertKind
from bot.domain.chats import Place, Token
from bot.errors import ProviderError
from bot.provider.client import ProviderClient
from bot.sandbox.server import serve
from tests.provider.world import BERLIN, QUICK_RETRIES, open_quickly
from tests.services.world import ADA, MINUTE, START, TOKEN, World, member

TODAY = START.date()
TOLD_OF_ACCOUNT = {
    AlertKind.OUTAGE, AlertKind.UNREADABLE, AlertKind.TOKEN_REFUSED, AlertKind.PERMISSION_MISSING,
}  # fmt: skip
DAY = timedelta(days=1)
EXAMPLES = settings.default.max_examples * 2 // 5 if settings.default else 40
"""Each is five days of a chat's life."""

OTHER = 2
"""A chat that somebody tries to link while the answers are odd."""


def invoice(number: int, days: int) -> dict[str, Any]:
    due = (TODAY + timedelta(days=days)).isoformat()
    return {"id": number, "total": 7.95, "status": "Unpaid", "is_open": True, "date": "2026-05-20", "duedate": due}


A, B, NEW = invoice(7, 2), invoice(8, 20), invoice(9, 9)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"content-type": self.content_type, "location": "https://elsewhere.invalid/"}
        await Response(self.body, self.status, headers)(scope, receive, send)


def as_body(content: object) -> bytes:
    return json.dumps(content).encode()


def as_json(content: object, status: int = 200) -> Answer:
    return Answer(status, "application/json", as_body(content))


NOT_THERE = as_json({"message": "No query results for model [Invoice]."}, 404)


class Provider:
    """Answers as it is told: the list, its later pages, and single invoices, of which it has none."""

    def __init__(self) -> None:
        self.first = self.later = as_json({"data": [A, B]})

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = NOT_THERE
        if scope["path"].endswith("/invoices"):
            answer = (
                self.later if b"page" in scope["query_string"] or b"cursor" in scope["query_string"] else self.first
            )
        await answer(scope, receive, send)


# --- What it may answer ----------------------------------------------------------------------------------------------

URL = "http://127.0.0.1/client/invoices?page=2"
LISTS: list[Mapping[str, Any]] = [
    {"data": [A, B]}, {"data": {"0": A, "2": B}}, {"data": {"current_page": 1, "data": [A, B], "next_page_url": None}},
    {"data": [A, B], "links": {"next": None}, "meta": {"current_page": 1, "last_page": 1, "total": 2}},
    {"data": [A, B], "message": "Here they are."}, {"success": True, "data": []}, {"data": [], "error": False},
    {"data": [A], "meta": {"pagination": {"total": 1, "count": 1, "current_page": 1, "total_pages": 1, "links": []}}},
]  # fmt: skip
"""Whole lists. What they lack may be gone."""

FIRST_PAGES: list[Mapping[str, Any]] = [
    {"data": [A], "links": {"next": URL}}, {"data": [A], "meta": {"current_page": 1, "last_page": 2}},
    {"data": [], "next_page_url": URL}, {"data": {"data": [A], "next_cursor": "abc"}}, {"data": [A], "next_page": 2},
    {"data": [A], "meta": {"current_page": 1, "per_page": 1}}, {"data": [A], "links": [{"rel": "next", "href": URL}]},
    {"data": [A], "meta": {"pagination": {"current_page": 1, "total_pages": 2, "links": {"next": URL}}}},
]  # fmt: skip
PARTS: list[Mapping[str, Any]] = [
    {"data": [A], "total": 2}, {"data": [], "meta": {"total": 2}}, {"data": [A], "has_more": True},
    {"data": [A], "links": {"next": 5}}, {"data": [A], "meta": {"from": 1, "to": 1, "total": 2}},
    {"data": [A], "pageInfo": {"hasNextPage": True}}, {"data": [A], "last_page": 2},
    {"data": {"0": A}, "recordsTotal": 2}, {"data": [A], "meta": {"pagination": {"total": 2, "count": 2}}},
]  # fmt: skip
"""Lists that say themselves that they are not all."""

FAILURES: list[object] = [
    {"success": False, "data": [], "message": "Invalid API key."}, {"data": {"error": True, "message": "No."}},
    {"result": "error", "message": "No."}, {"message": "Unauthenticated."}, {"data": [], "message": "No such token."},
    {"data": [], "status": 401}, {"error": "invalid_token", "data": []}, {"errors": ["x"], "data": [A, B]},
    {"data": {}}, {"data": None}, {"data": "x"}, {"data": 5}, {"data": {"id": 7}}, {}, [], [A, B], None, "x", 5,
    {"title": "Access denied", "status": 403}, {"invoices": [A, B]}, {"data": {"invoices": [A, B]}},
    {"data": {"a": A}}, {"data": {"current_page": 1}}, {"data": [], "meta": {"success": False}}, {"data": ["Invalid."]},
    {"data": [None]}, {"data": [{"error": True}]}, {"data": [], "status": "denied"}, {"data": [], "errorCode": "AUTH"},
    {"data": {"data": {"data": [], "success": False}}}, {"data": [], "isSuccess": False}, {"data": [[A, B]]},
]  # fmt: skip
MARKS: list[dict[str, Any]] = [
    {"success": False}, {"isSuccess": 0}, {"error": "x"}, {"errors": {"id": ["x"]}}, {"error_code": 401},
    {"status": "error"}, {"code": "403"}, {"result": "failed"}, {"exception": "x"},
]  # fmt: skip
PLACES: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
    lambda mark: mark | {"data": []}, lambda mark: mark | {"data": [A, B]}, lambda mark: {"data": mark},
    lambda mark: {"data": mark | {"data": [A]}}, lambda mark: {"data": {"data": mark | {"data": []}}},
    lambda mark: {"data": [], "meta": mark}, lambda mark: {"data": [mark]}, lambda mark: {"data": {"0": mark}},
]  # fmt: skip
"""Where an answer may say that it is a failure."""

RAW = [b"", b"<html>Just a moment...</html>", b'{"data": [', b"[" * 5000, b"\xff\xfe", b'{"data": []} trailing']
JSON_TYPES = ["application/json", "application/json; charset=utf-8"]
TYPES = [*JSON_TYPES, "text/html", "text/plain", "application/problem+json", ""]
STATUSES = [200, 200, 200, 201, 202, 204, 206, 302, 304, 400, 401, 402, 403, 404, 409, 422, 423, 429, 500, 503]

BODIES = st.one_of(
    st.sampled_from([*LISTS, *FIRST_PAGES, *PARTS, *FAILURES, *FAILURES]).map(as_body),
    st.builds(lambda place, mark: place(mark), st.sampled_from(PLACES), st.sampled_from(MARKS)).map(as_body),
    st.sampled_from(RAW),
    st.binary(max_size=20),
)
ENVELOPES = st.one_of(
    st.builds(Answer, st.just(200), st.sampled_from(JSON_TYPES), BODIES),  # half of them, so that bodies matter
    st.builds(Answer, st.sampled_from(STATUSES), st.sampled_from(TYPES), BODIES),
).filter(lambda answer: answer.status not in {204, 304} or not answer.body)


@dataclass(frozen=True)
class Story:
    """What the list is, and what its later pages are."""

    first: Answer
    later: Answer

    @property
    def is_success(self) -> bool:
        """Whether the first answer is a list of the customer's, be it a part."""
        return self._is_one_of(self.first, [*LISTS, *FIRST_PAGES, *PARTS])

    @property
    def is_whole(self) -> bool:
        """Whether all of the list is there."""
        if self._is_one_of(self.first, FIRST_PAGES):
            return self._is_one_of(self.later, LISTS)
        return self._is_one_of(self.first, LISTS)

    def _is_one_of(self, answer: Answer, contents: list[Mapping[str, Any]]) -> bool:
        is_good = answer.status == 200 and answer.content_type in JSON_TYPES
        return is_good and answer.body in {as_body(content) for content in contents}


# --- What follows ----------------------------------------------------------------------------------------------------


async def live(world: World, days: float) -> None:
    """Let time pass: two checks of which each is due, and everything that is to be told."""
    world.clock.set(START + days * DAY)
    for _ in range(2):
        await world.check()
        await world.deliver(2)
        world.clock.move(20 * MINUTE)


async def links(world: World) -> bool:
    chat = await world.store.chat(OTHER)
    try:
        await world.linking.link(chat, Place(OTHER), member(ADA), Token(TOKEN))
    except ProviderError:
        assert (await world.store.chat(OTHER)).link is None
        return False
    return True


async def tell(story: Story, folder: Path) -> None:
    provider, world = Provider(), World(folder)
    async with serve(provider.app) as root, open_quickly() as http:
        client = ProviderClient(http, root, BERLIN, retries=QUICK_RETRIES, clock=world.clock)
        world.provider = client  # type: ignore[assignment]  # the real one
        world.wire(lambda port: port)
        try:
            await judge(story, provider, world)
        finally:
            await world.kill()


async def judge(story: Story, provider: Provider, world: World) -> None:
    await world.linking.link(await world.store.chat(1), Place(1), member(ADA), Token(TOKEN))
    provider.first, provider.later = story.first, story.later
    for day in (0.5, 1, 2, 3):
        await live(world, day)
    if not story.is_whole:
        told, known = world.told(), await world.known()
        assert known[7].is_open
        assert known[8].is_open
        assert AlertKind.SETTLED not in {kind for kind, _, _ in told}
        reminders = [alert for alert in told if alert[0] in {AlertKind.DUE, AlertKind.OVERDUE}]
        assert reminders == [(AlertKind.DUE, 7, 1), (AlertKind.DUE, 7, 0), (AlertKind.OVERDUE, 7, -1)]
        assert TOLD_OF_ACCOUNT & {kind for kind, _, _ in told}
    if not story.is_success:
        assert not await links(world)
    provider.first = as_json({"data": [A, B, NEW]})
    for day in (4, 5):
        await live(world, day)
    watch = (await world.linked()).watch
    assert (watch.trouble, watch.failing_since, watch.whole_at) == (None, None, None)
    assert (AlertKind.NEW, NEW["id"]) in {(kind, number) for kind, number, _ in world.told()}


@settings(max_examples=EXAMPLES)
@given(st.builds(Story, ENVELOPES, ENVELOPES))
def test_no_answer_but_a_whole_list_of_the_customer_settles_ends_or_silences_anything(story: Story) -> None:
    with TemporaryDirectory() as folder, capture_logs():
        asyncio.run(tell(story, Path(folder) / "data"))
