"""Compares all traffic of the sandbox with the descriptions of its APIs, in every test: a deviation fails the test.

A test that makes odd calls on purpose has the marker ``odd_calls``. If SEEN_OBJECTS names a file, the
objects that the sandbox's Telegram makes are added to it, for scripts/second_opinion.py.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from bot.sandbox.provider import app as provider_app
from bot.sandbox.provider.app import SandboxProvider
from bot.sandbox.provider.ledger import Ledger
from bot.sandbox.telegram import CallAnswered
from bot.sandbox.telegram.event_bus import Event, EventBus
from bot.sandbox.telegram.updates import UpdateQueue
from tests.provider_api.contract import (
    Recorder,
    deviations_of_request,
    deviations_of_response,
    is_ours,
    request_in,
)
from tests.telegram_api.conformance import deviations, deviations_of_call

compared: Counter[str] = Counter()
"""How much was compared in this process, by kind."""


@pytest.fixture(autouse=True)
def _telegram_as_described(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    publish, add = EventBus.publish, UpdateQueue.add
    found: set[str] = set()
    seen: list[dict[str, object]] = []

    def published(bus: EventBus, event: Event) -> None:
        if isinstance(event, CallAnswered):
            compared["calls of the Bot API"] += 1
            found.update(deviations_of_call(event.call))
            if event.call.result is not None:
                seen.append({"answer_to": event.call.method, "object": event.call.result})
        publish(bus, event)

    def added(queue: UpdateQueue, kind: str, content: Mapping[str, object]) -> int | None:
        compared["updates"] += 1
        update = {"update_id": 1, kind: dict(content)}
        seen.append({"object": update})
        found.update(deviations(update, "Update", "update"))
        return add(queue, kind, content)

    monkeypatch.setattr(EventBus, "publish", published)
    monkeypatch.setattr(UpdateQueue, "add", added)
    yield
    if request.node.get_closest_marker("odd_calls") is None:
        _keep(seen)
        _fail("The Bot API", found)


@pytest.fixture(autouse=True)
def _provider_as_described(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compare the bot's own requests, and the answers to them that no fault has spoiled."""
    serve, make = SandboxProvider.app, provider_app._application
    found: set[str] = set()

    async def served(provider: SandboxProvider, scope: Scope, receive: Receive, send: Send) -> None:
        recorder = Recorder(partial(serve, provider))
        try:
            await recorder(scope, receive, send)
        finally:
            if is_ours(scope):
                compared["requests to the provider"] += 1
                found.update(deviations_of_request(request_in(scope, recorder.body)))

    def made(ledger: Ledger) -> Any:
        application = make(ledger)

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            recorder = Recorder(application)
            await recorder(scope, receive, send)
            if recorder.answer is not None and is_ours(scope):
                compared["answers of the provider"] += 1
                found.update(deviations_of_response(request_in(scope, recorder.body), recorder.answer))

        return answered

    monkeypatch.setattr(SandboxProvider, "app", served)
    monkeypatch.setattr(provider_app, "_application", made)
    yield
    if request.node.get_closest_marker("odd_calls") is None:
        _fail("The provider's API", found)


def _keep(objects: list[dict[str, object]]) -> None:
    if "SEEN_OBJECTS" in os.environ:
        with Path(os.environ["SEEN_OBJECTS"]).open("a") as file:
            file.write("".join(json.dumps(found) + "\n" for found in objects))


def _fail(api: str, found: set[str]) -> None:
    if found:
        pytest.fail(f"{api} is not described like that:\n" + "\n".join(sorted(found)), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "odd_calls: makes calls on purpose that the description of an API forbids")


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:  # this is a worker of pytest-xdist
        output["compared"] = dict(compared)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    compared.update(getattr(node, "workeroutput", {}).get("compared", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if compared:
        found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(compared.items()))
        terminalreporter.write_line(f"Compared with their descriptions: {found}.")
