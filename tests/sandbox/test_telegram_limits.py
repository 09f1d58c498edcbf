"""The sandbox's Telegram refuses what comes faster than the real one allows, if a test wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.telegram.calls import Call
from bot.sandbox.telegram.limits import GROUP, PRIVATE, TOTAL, SendLimits

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def call(method: str, chat_id: int, after: timedelta = timedelta(0)) -> Call:
    return Call(method, NOW + after, {"chat_id": str(chat_id)})


def passed(limits: SendLimits, calls: list[Call]) -> int:
    return sum(limits.refusal(one) is None for one in calls)


def test_a_second_sees_no_more_messages_and_edits_than_allowed_and_the_next_one_does() -> None:
    limits, (count, span) = SendLimits(), TOTAL
    assert passed(limits, [call("sendMessage", chat) for chat in range(1, 41)]) == count
    refusal = limits.refusal(call("editMessageText", 99))
    assert refusal is not None
    assert refusal.parameters == {"retry_after": 1}
    assert limits.refusal(call("editMessageText", 99, span)) is None


@pytest.mark.parametrize(("chat_id", "limit"), [(-5, GROUP), (5, PRIVATE)])
def test_a_chat_gets_no_more_in_a_minute_than_allowed(chat_id: int, limit: tuple[int, timedelta]) -> None:
    limits, (count, span) = SendLimits(), limit
    calls = [call("sendMessage", chat_id, span * number / (2 * count)) for number in range(count + 10)]
    assert passed(limits, calls) == count
    assert limits.refusal(call("sendMessage", chat_id + 1, span / 2)) is None


@pytest.mark.parametrize("method", ["getMe", "sendChatAction", "answerCallbackQuery", "editMessageReplyMarkup"])
def test_other_calls_are_not_counted(method: str) -> None:
    assert passed(SendLimits(), [call(method, 5) for _ in range(100)]) == 100
