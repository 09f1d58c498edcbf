"""Read the objects that the sandbox's Telegram has made with aiogram's models: `make conformance` calls this.

aiogram can't live beside the bot: it allows no pydantic as new as the bot's. So it has an environment of its own.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError


def main(objects: Path) -> None:
    read: Counter[str] = Counter()
    wrong = set()
    for line in sorted(set(objects.read_text().splitlines())):
        seen = json.loads(line)
        name = seen.get("answer_to", "an update")
        read[name] += 1
        try:
            model = _type(name).validate_python(seen["object"])
        except ValidationError as error:
            wrong |= {f"{name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()}
        else:
            wrong |= {f"{name}: {place} is unknown" for place in _unknown(model)}
    print(*sorted(wrong), sep="\n")  # noqa: T201
    print(f"aiogram {'does not read all' if wrong else 'reads all'} of {read.total():,} objects: {_list(read)}")  # noqa: T201
    sys.exit(bool(wrong) or not read)


def _type(name: str) -> TypeAdapter[Any]:
    if name == "an update":
        kind: Any = importlib.import_module("aiogram.types").Update
    else:
        kind = getattr(importlib.import_module("aiogram.methods"), name[0].upper() + name[1:]).__returning__
    return TypeAdapter(kind)


def _unknown(value: object) -> Iterator[str]:
    """Yield the fields that a model, or one in it, does not know."""
    match value:
        case BaseModel():
            yield from (f"{type(value).__name__}.{name}" for name in value.model_extra or {})
            for name in type(value).model_fields:
                yield from _unknown(getattr(value, name))
        case list():
            for item in value:
                yield from _unknown(item)


def _list(read: Counter[str]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in sorted(read.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
