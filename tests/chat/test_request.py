"""What counts as an answer of Telegram's, whatever somebody sends in its place."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, strategies as st

from bot.chat.request import answer_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("ok", "result", "error_code", "description", "parameters"), JSON)
)


@given(st.binary())
@example(b"")
@example(b"\xff\xfe")
@example(b"[" * 100_000)
@example(b"<html>403 Forbidden</html>")
@example(b'{"ok": NaN}')
def test_no_page_makes_the_reader_fail(page: bytes) -> None:
    answer = answer_in(page)
    assert answer is None or isinstance(answer.ok, bool)


@given(FIELDS)
def test_json_is_an_answer_only_if_it_has_the_form_of_one(content: dict[str, Any]) -> None:
    answer = answer_in(json.dumps(content).encode())
    if answer is None:
        return
    assert answer.ok is content["ok"]
    assert not answer.ok or "result" in content
    assert isinstance(answer.parameters, dict | None)
    assert isinstance(answer.description, str | None)


@given(st.text(), JSON)
def test_every_answer_of_telegrams_is_recognized(words: str, result: Any) -> None:
    refusal: dict[str, Any] = {"ok": False, "error_code": 400, "description": words}
    for content in ({"ok": True, "result": result}, refusal, refusal | {"parameters": {"retry_after": 5}}):
        assert answer_in(json.dumps(content).encode()) is not None


def test_an_odd_sign_in_a_message_does_not_make_an_answer_unreadable() -> None:
    assert answer_in(b'{"ok": true, "result": ["\\ud800", "\xff"]}') is not None
