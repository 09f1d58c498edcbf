"""Waits and reasons in the provider's refusals."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from bot.provider.error_mapping import MAX_REASON_LENGTH, reason_in, retry_after
from tests.provider.world import NOW


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sunday, 22-Nov-26 12:01:00 GMT", 60.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_a_wait_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds


@given(st.text())
def test_any_header_is_a_wait_or_none(header: str) -> None:
    wait = retry_after(header, NOW)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"message": "No credit."}', "No credit."),
        (b'{"message": "", "error": "No credit."}', "No credit."),
        (b'{"error": {"message": "No credit."}}', "No credit."),
        (b'{"errors": ["No credit.", "And more."]}', "No credit."),
        (b'{"errors": {"id": ["The id field is required."]}}', "The id field is required."),
        (b'{"errors": [{"message": "No credit."}]}', "No credit."),
        (b'{"message": "  No\\n\\tcredit.\\u0000\\u202e "}', "No credit."),
        (b'{"message": "<!DOCTYPE html><html>"}', ""),
        (b'"No credit."', "No credit."),
        (b'{"message": 5}', ""),
        (b'{"errors": {}}', ""),
        (b'{"data": []}', ""),
        (b"[]", ""),
        (b"", ""),
        (b"<html><body>No</body></html>", ""),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_the_provider_s_words_are_found_in_its_json(body: bytes, reason: str) -> None:
    assert reason_in("application/json", body) == reason


def test_plain_text_is_passed_on_and_html_is_not() -> None:
    assert reason_in("text/plain; charset=utf-8", b"No credit.\r\n") == "No credit."
    assert reason_in("text/plain", b"<html>No</html>") == ""
    assert reason_in("text/html", b"<html>No</html>") == ""


def test_a_long_reason_is_cut() -> None:
    reason = reason_in("text/plain", b"word " * 1000)
    assert len(reason) <= MAX_REASON_LENGTH
    assert reason.endswith("word…")


@given(st.binary(), st.sampled_from(["application/json", "text/plain", "text/html", "", "x"]))
def test_any_body_becomes_one_printable_line(body: bytes, content_type: str) -> None:
    reason = reason_in(content_type, body)
    assert reason.isprintable()
    assert len(reason) <= MAX_REASON_LENGTH
