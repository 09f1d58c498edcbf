"""Telegram's limits on what a bot sends: 429 for what comes faster."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.errors import ApiError, flood_limit

TOTAL = (30, timedelta(seconds=1))
GROUP = (20, timedelta(minutes=1))
PRIVATE = (90, timedelta(minutes=1))
"""One a second, and a burst of 30, which Telegram lets pass."""
COUNTED = ("send", "edit")
UNCOUNTED = frozenset({"sendChatAction", "editMessageReplyMarkup"})


def is_counted(call: Call) -> bool:
    """Return whether the call counts against the limits."""
    return call.method.startswith(COUNTED) and call.method not in UNCOUNTED


class SendLimits:
    """Counts messages, in total and by chat, over the last second or minute. Edits count in total only."""

    def __init__(self) -> None:
        self._passed: dict[int | None, deque[datetime]] = defaultdict(deque)

    def refusal(self, call: Call) -> ApiError | None:
        """Return a refusal if the call is too early. Otherwise count it."""
        if not is_counted(call):
            return None
        for key, (count, span) in self._limits(call):
            passed = self._passed[key]
            while passed and passed[0] <= call.at - span:
                passed.popleft()
            if len(passed) >= count:
                return flood_limit(math.ceil((passed[0] + span - call.at).total_seconds()))
        for key, _ in self._limits(call):
            self._passed[key].append(call.at)
        return None

    @staticmethod
    def _limits(call: Call) -> Iterator[tuple[int | None, tuple[int, timedelta]]]:
        yield None, TOTAL
        if call.method.startswith("send") and call.chat_id is not None:
            yield call.chat_id, GROUP if call.chat_id < 0 else PRIVATE
