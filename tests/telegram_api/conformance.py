"""Compares what the bot and the sandbox's Telegram say to each other with the official description of the Bot API.

``bot_api.json`` is that description; scripts/bot_api.py writes it. The checks are on in every test: see
tests/conftest.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from bot.sandbox.telegram.calls import Call

_PLAIN: Mapping[str, type | tuple[type, ...]] = {
    "Integer": int,
    "Float": (int, float),
    "String": str,
    "Boolean": bool,
    "True": bool,
}
_ARRAY = "Array of "


@cache
def description() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads((Path(__file__).parent / "bot_api.json").read_text())
    return content


def deviations_of_call(call: Call) -> list[str]:
    """Return where a request, and the answer to it if there is a good one, deviate from the description."""
    method = description()["methods"].get(call.method)
    if method is None:
        return [f"{call.method}: no such method"]
    found = [] if call.too_large else list(_of_request(call, method["parameters"]))
    if call.result is not None:
        found += deviations(call.result, method["returns"], f"answer to {call.method}")
    return found


def deviations(value: object, kind: str, place: str) -> list[str]:
    """Return where a JSON value deviates from a type such as ``Array of Integer|Message``."""
    if kind.startswith(_ARRAY):
        if not isinstance(value, list):
            return [f"{place}: {value!r} is no array"]
        inner = kind.removeprefix(_ARRAY)
        return [text for n, item in enumerate(value) for text in deviations(item, inner, f"{place}[{n}]")]
    return min((_deviations_of_one(value, name, place) for name in _alternatives(kind)), key=len)


def _alternatives(kind: str) -> Iterator[str]:
    for name in kind.split("|"):
        yield from description()["unions"].get(name, [name])


def _deviations_of_one(value: object, kind: str, place: str) -> list[str]:
    if kind.startswith(_ARRAY):
        return deviations(value, kind, place)
    if kind.startswith("'"):
        return [] if value == kind.strip("'") else [f"{place}: {value!r} is none of the described values"]
    if kind in _PLAIN:
        fits = isinstance(value, _PLAIN[kind]) and (isinstance(value, bool) == (_PLAIN[kind] is bool))
        return [] if fits and not (kind == "True" and value is False) else [f"{place}: {value!r} is no {kind}"]
    if not isinstance(value, Mapping):
        return [f"{place}: {value!r} is no {kind}"]
    return list(_of_fields(value, description()["types"][kind], place))


def _of_fields(value: Mapping[str, object], fields: Mapping[str, str], place: str) -> Iterator[str]:
    for name, content in value.items():
        kind = fields.get(name) or fields.get(f"{name}?")
        if kind is None:
            yield f"{place}: unknown field {name!r}"
        else:
            yield from deviations(content, kind, f"{place}.{name}")
    yield from (f"{place}: {name!r} is missing" for name in _required(fields) - value.keys())


def _of_request(call: Call, parameters: Mapping[str, str]) -> Iterator[str]:
    given: dict[str, object] = {}
    attached = set()
    for name, text in call.parameters.items():
        kind = parameters.get(name) or parameters.get(f"{name}?")
        given[name] = text if kind is None else _read(text, kind)
        attached |= {upload for upload in call.uploads if f"attach://{upload}" in text}
    for name in call.uploads.keys() - attached:
        kind = parameters.get(name) or parameters.get(f"{name}?") or ""
        if "InputFile" not in kind:
            yield f"{call.method}: an upload {name!r} that nothing refers to"
        given[name] = "attach://"
    yield from _of_fields(given, parameters, call.method)


def _read(text: str, kind: str) -> object:
    """Return the value of a form's field. Numbers, booleans and objects are in it as JSON, texts as they are."""
    if "String" in kind.split("|") or kind.startswith("'"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _required(fields: Mapping[str, str]) -> set[str]:
    return {name for name in fields if not name.endswith("?")}
