"""Shared by all tests: hypothesis profiles, a reset of logging, and a sandbox with an account and a person, Ada."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
import structlog
from hypothesis import settings

from bot import logs
from bot.sandbox.provider.ledger import Account
from bot.sandbox.sandbox import Sandbox, open_sandbox
from bot.sandbox.telegram import Chat, Person
from tests.sandbox_bot import TOKEN

pytest_plugins = ["tests.conformance", "tests.programs"]

# A single example has no deadline, since the machine may be busy. In CI the examples are the same in every run, so that
# a failure comes from the change under test. HYPOTHESIS_PROFILE=thorough tries more examples.
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.register_profile("local", deadline=None)
settings.register_profile("quick", deadline=None, derandomize=True, database=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "local"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests with the longest timeouts first, so that the other workers don't wait for them at the end."""

    def seconds(item: pytest.Item) -> float:
        marker = item.get_closest_marker("timeout")
        return float(marker.args[0]) if marker else 0.0

    items.sort(key=seconds, reverse=True)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Restore the process's logging after a test that configured it. pytest's own handlers are part of it."""
    root = logging.getLogger()
    # uvicorn stops its access log from propagating as soon as a server is configured without one.
    loggers = [root, *map(logging.getLogger, ["bot", *logs.HELD_AT_WARNING, *logs.SILENCED])]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    handlers = root.handlers[:]
    hooks = (sys.excepthook, threading.excepthook)
    yield
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate
    root.handlers[:] = handlers
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    logs.forget_secrets()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox() as opened:
        yield opened


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return sandbox.provider.add_account(TOKEN, credit=Decimal(100))


@pytest.fixture
def ada(sandbox: Sandbox) -> Person:
    return sandbox.telegram.add_user("Ada", language_code="en")


@pytest.fixture
def chat(sandbox: Sandbox, ada: Person) -> Chat:
    return sandbox.telegram.private_chat(ada)
