"""Objects made from the Bot API's description, also as a newer version might send them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.telegram_api.conformance import description

_PLAIN: dict[str, object] = {"Integer": 1_700_000_000, "Float": 1.5, "String": "x", "Boolean": False, "True": True}

_NO_ARRAYS_BELOW = -3
"""Blocks hold blocks. Somewhere it must end."""


def example(kind: str, depth: int = 0) -> Any:
    """Return a value of a type. To this ``depth``, its optional fields are there, too."""
    if kind.startswith("Array of "):
        return [example(kind.removeprefix("Array of "), depth)] if depth >= _NO_ARRAYS_BELOW else []
    first = kind.split("|", maxsplit=1)[0]
    if first in description()["unions"]:
        return example(description()["unions"][first][0], depth)
    if first.startswith("'"):
        return first.strip("'")
    if first in _PLAIN:
        return _PLAIN[first]
    return {
        name.removesuffix("?"): example(inner, depth - 1)
        for name, inner in description()["types"][first].items()
        if depth > 0 or not name.endswith("?")
    }


def each_field(kind: str, depth: int = 2) -> Iterator[tuple[str, Any]]:
    """Yield each optional field of a type, and a value for it."""
    for name, inner in description()["types"][kind].items():
        if name.endswith("?"):
            yield name.removesuffix("?"), example(inner, depth)


def from_the_future(value: Any) -> Any:
    """Return a value with an unknown field in each object, and unknown words where a list of words is described."""
    match value:
        case dict():
            content = {name: from_the_future(inner) for name, inner in value.items()}
            words = {name for name in content.keys() & {"type", "status", "source"} if isinstance(content[name], str)}
            return content | dict.fromkeys(words, "of_tomorrow") | {"field_of_tomorrow": {"new": [1]}}
        case list():
            return [*map(from_the_future, value)]
        case _:
            return value
