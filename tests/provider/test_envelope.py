"""What an answer says as a whole: whether the API wrote it, whether it is a failure, and in which words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from bot import logs
from bot.provider import json_text
from bot.provider.envelope import MAX_REASON_LENGTH, opened, refusal_in

JSON_TYPE = "application/json"


def body(content: object) -> bytes:
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"message": "No credit."}, "No credit."),
        ({"data": {"error": True, "type": "credit", "message": "Not enough credit"}}, "Not enough credit"),
        ({"data": {"message": "Near"}, "message": "Far"}, "Near"),
        ({"message": "", "error": "No credit."}, "No credit."),
        ({"error": {"message": "No credit."}}, "No credit."),
        ({"error": True, "msg": "No credit."}, "No credit."),
        ({"errors": ["No credit.", "And more."]}, "No credit."),
        ({"errors": {"id": ["The id field is required."]}}, "The id field is required."),
        ({"errors": [{"message": "No credit."}]}, "No credit."),
        ({"message": ["No credit."]}, "No credit."),
        ({"result": "error", "message": "No credit."}, "No credit."),
        ({"status": "error", "message": "No credit."}, "No credit."),
        ({"data": {"error": True, "type": "no_credit"}}, "no_credit"),
        ({"message": "  No\n\tcredit.\u0000\u202e "}, "No credit."),
        ({"message": "Das Guthaben gen&uuml;gt nicht."}, "Das Guthaben genügt nicht."),
        ({"message": "<p>Not <b class='x'>enough</b> credit:<br/>1 &lt; 2</p>"}, "Not enough credit: 1 < 2"),
        ({"message": "<!DOCTYPE html><html>"}, ""),
        ({"message": " <html><body>No credit.</body></html>"}, ""),
        ({"message": 5}, ""),
        ({"message": ""}, ""),
        ({"errors": {}}, ""),
        ({"data": {"error": True}}, ""),
        ({"error": [[[[]]]]}, ""),
    ],
)
def test_the_words_of_a_refusal_are_found_in_the_api_s_json(content: object, reason: str) -> None:
    assert refusal_in(JSON_TYPE, body(content)) == reason
    assert refusal_in("application/json; charset=utf-8", body(content)) == reason


@pytest.mark.parametrize(
    "foreign",
    [
        b"", b"null", b"[]", b"{}", b'"No credit."', b"<html><body>No</body></html>", b"\xff\xfe", b"[" * 100_000,
        b'{"mess', b'{"data": []}', b'{"data": null}', b'{"id": 7}', b'{"type": "about:blank", "title": "Forbidden"}',
        b'{"title": "Error 1020", "status": 403, "detail": "Access denied", "cloudflare_error": true}',
        b'{"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "x"}}}', b'{"Message": "Access denied"}',
        b'["No credit."]', b'{"status": 403, "path": "/client"}',
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_a_refusal_is_not_the_api_s(foreign: bytes) -> None:
    assert refusal_in(JSON_TYPE, foreign) is None


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/problem+json", "", "application/pdf"])
def test_what_does_not_claim_to_be_json_is_not_the_api_s(content_type: str) -> None:
    assert refusal_in(content_type, body({"message": "Forbidden"})) is None


def test_a_long_reason_is_cut() -> None:
    reason = refusal_in(JSON_TYPE, body({"message": "word " * 100_000})) or ""
    assert len(reason) <= MAX_REASON_LENGTH
    assert reason.endswith("word…")


def test_a_token_in_the_words_is_masked_before_they_are_cut() -> None:
    token = "7|pK3vQx9/secret+of-ada"
    logs.add_secret(token)
    for text in (f"Invalid token {token}.", "x" * (MAX_REASON_LENGTH - 20) + token):
        reason = refusal_in(JSON_TYPE, json.dumps({"message": text}).replace("/", "\\/").encode()) or ""
        assert token[:8] not in reason


FAILURES: list[Any] = [
    {"success": False, "data": [], "message": "Invalid API key."},
    {"success": 0, "data": []}, {"success": "false", "data": []}, {"ok": False, "data": []},
    {"error": True, "data": []}, {"error": 1}, {"error": "unauthorized", "data": []}, {"error": {"code": 401}},
    {"errors": ["x"], "data": []}, {"errors": {"id": ["x"]}, "data": None},
    {"result": "error", "message": "x"}, {"result": "Failed", "data": []}, {"result": False},
    {"status": "error", "data": []}, {"status": "fail", "data": {"id": "x"}}, {"status": 401, "data": []},
    {"status": "403", "data": []}, {"status": False, "data": []}, {"code": 500, "data": []}, {"statusCode": 400},
    {"exception": "RuntimeException", "message": "x"},
    {"data": {"error": True, "type": "x", "message": "y"}}, {"data": {"success": False}},
    {"data": {"status": "error", "message": "x"}}, {"data": {"result": "error"}}, {"data": {"id": 7, "error": True}},
    {"status": "Error: no such key"}, {"result": "Denied: no access"}, {"status": "unauthorized", "data": []},
    {"success": "failed", "data": []}, {"success": "no"}, {"isSuccess": False, "data": []}, {"Success": False},
    {"authenticated": False, "data": []}, {"error_message": "x", "data": []}, {"errorCode": 401}, {"has_errors": 1},
    {"failed": True, "data": []}, {"fault": {"faultstring": "x"}}, {"ERROR": "x"}, {"status": "401 Unauthorized"},
    {"http_code": 403, "data": []}, {"meta": {"status": "error"}, "data": []}, {"meta": {"code": 401}, "data": []},
    {"status": {"code": 401}, "data": []}, {"response": {"success": False}, "data": []},
    {"data": {"meta": {"error": "x"}, "data": []}}, {"data": {"data": {"data": [], "success": False}}},
]  # fmt: skip


@pytest.mark.parametrize("content", FAILURES)
def test_a_failure_in_whatever_dress_is_a_failure(content: object) -> None:
    assert opened(body(content)).is_failure


@pytest.mark.parametrize(
    "content",
    [
        {"data": []}, {"data": [], "success": True}, {"data": [], "error": False}, {"data": [], "error": None},
        {"data": [], "errors": []}, {"data": [], "error": ""}, {"data": [], "error": "0"}, {"data": [], "ok": 1},
        {"data": [], "success": None}, {"data": [], "status": 200}, {"data": [], "status": "success"},
        {"data": [], "code": 0}, {"data": [], "code": 1000}, {"data": [], "result": "success"},
        {"data": [], "message": "Here they are."}, {"data": {"0": {"error": True}}},
        {"data": {"id": 7, "status": "Failed"}}, {"data": {"id": 7, "status": "error"}},
        {"data": {"id": 7, "error": None, "status": 500}}, {"data": [], "error_code": 0},
        {"data": [], "errorMessage": ""}, {"data": [], "error": "No error"}, {"error_message": "OK", "data": []},
        {"data": {"id": 7, "failed": True}},
        {"data": [], "meta": {"status": "ok", "errors": []}}, {"data": [], "failed": False}, {"data": [], "code": 4040},
        {"data": {"id": 7, "failed": False, "meta": {"status": "error"}}}, {"data": [], "response": {"code": "200"}},
    ],
)  # fmt: skip
def test_a_success_is_no_failure(content: object) -> None:
    assert not opened(body(content)).is_failure


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_how_a_refusal_is_encoded(encoding: str) -> None:
    assert refusal_in(JSON_TYPE, json.dumps({"message": "Nö."}, ensure_ascii=False).encode(encoding)) == "Nö."


@pytest.mark.parametrize("deep", ["[" * 100_000 + "]" * 100_000, '{"a":[' * 50_000 + "]}" * 50_000])
def test_what_nests_too_deep_is_nothing_and_hides_nothing(deep: str) -> None:
    text = (
        f'{{"data": [{{"id": 7, "odd": {deep}, "title": "[not {{ a bracket \\" ["}}, 8], "other": {deep}, "total": 2}}'
    )
    answer = opened(text.encode())
    assert json.loads(bytes(answer.data))[1] == 8
    assert json.loads(bytes(answer.data))[0]["title"] == '[not { a bracket " ['
    assert bytes(answer.top["total"]) == b"2"


NESTED = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=20,
)


@given(NESTED, st.integers(0, 3))
def test_what_is_not_too_deep_stays_as_it_is(content: object, levels: int) -> None:
    for _ in range(levels * (json_text.MAX_DEPTH // 4)):
        content = [content]
    assert json.loads(json_text.without_depths(json.dumps(content))) == content


@given(st.binary(), st.sampled_from([JSON_TYPE, "text/plain", "text/html", "", "x"]))
def test_any_body_is_foreign_or_has_one_printable_line(content: bytes, content_type: str) -> None:
    reason = refusal_in(content_type, content)
    assert reason is None or (reason.isprintable() and len(reason) <= MAX_REASON_LENGTH)


@given(NESTED, st.sampled_from(["message", "error", "errors", "data"]))
def test_any_json_is_foreign_or_has_one_printable_line(content: object, name: str) -> None:
    reason = refusal_in(JSON_TYPE, body({name: content}))
    assert reason is None or (reason.isprintable() and len(reason) <= MAX_REASON_LENGTH)
    try:
        answer = opened(body(content))
    except msgspec.DecodeError:
        return
    assert answer.is_failure in {True, False}
