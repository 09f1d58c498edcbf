"""Write tests/telegram_api/bot_api.json: the official description of the Bot API in a compact form.

The source distribution of aiogram (MIT licence) holds the official page core.telegram.org/bots/api as JSON. Only names,
types and fixed values are taken from it. For a newer version:

    pip download aiogram --no-deps --no-binary :all: --dest /tmp
    .venv-tools/bin/python scripts/bot_api.py /tmp/aiogram-*.tar.gz
"""

from __future__ import annotations

import importlib
import itertools
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "tests" / "telegram_api" / "bot_api.json"
SCHEMA = "/.butcher/schema/schema.json"
FIXED = frozenset({"action", "source", "state", "status", "style", "type"})
"""The fields whose descriptions list all possible values."""


def main(distribution: Path) -> None:
    schema = _schema(distribution)
    entries = [entry for group in schema["items"] for entry in group["children"]]
    kinds = {kind: [entry for entry in entries if entry["category"] == kind] for kind in ("types", "methods")}
    description = {
        "version": schema["api"]["version"],
        "released": schema["api"]["release_date"],
        "origin": f"core.telegram.org/bots/api, by way of {distribution.name.removesuffix('.tar.gz')} (MIT licence)",
        "unions": {entry["name"]: members for entry in kinds["types"] if (members := _members(entry))},
        "types": {entry["name"]: _fields(entry) for entry in kinds["types"] if not _members(entry)},
        "methods": {
            entry["name"]: {"returns": _returned(entry["name"]), "parameters": _fields(entry)}
            for entry in kinds["methods"]
        },
    }
    TARGET.write_text(_one_line_each(description))


def _schema(distribution: Path) -> dict[str, Any]:
    with tarfile.open(distribution) as archive:
        member = next(name for name in archive.getnames() if name.endswith(SCHEMA))
        found = archive.extractfile(member)
        if found is None:
            raise SystemExit(f"{member} can't be read")
        content: dict[str, Any] = json.load(found)
        return content


def _members(entry: dict[str, Any]) -> list[str]:
    """Return the types that a union consists of; none if the entry is no union."""
    if entry["annotations"]:
        return []
    plain = re.findall(r"either a (String) for plain text, an (Array of \w+)", entry["description"])
    return [*itertools.chain(*plain), *re.findall(r"^ *- (\w+)$", entry["description"], re.MULTILINE)]


def _fields(entry: dict[str, Any]) -> dict[str, str]:
    """Return the type of each field. An optional field's name ends in a question mark."""
    return {
        field["name"] + ("" if field["required"] else "?"): _values(field) or _type(field["type"])
        for field in entry["annotations"]
    }


def _type(text: str) -> str:
    """Return alternatives with a bar between them, as in ``Integer|String``."""
    outer, of, inner = text.rpartition("Array of ")
    return outer + of + "|".join(re.split(r", | or | and ", inner))


def _values(field: dict[str, Any]) -> str:
    """Return the values that a text can have, as in ``'group'|'supergroup'``."""
    text = field["description"]
    if field["type"] != "String" or field["name"] not in FIXED:
        return ""
    if field["name"] == "action":
        found = [
            name for names in re.findall(r"([a-z_]+)(?: or ([a-z_]+))? for ", text) for name in names if "_" in name
        ]
        return "|".join(f"'{name}'" for name in ["typing", *found])
    found = re.findall(r"'([a-zA-Z_0-9]+)'", text) or re.findall(r"must be ([a-z_]+)", text)
    return "|".join(f"'{name}'" for name in found)


def _returned(method: str) -> str:
    """Return the type of a method's result, from the annotation of aiogram's class."""
    package = importlib.import_module("aiogram.methods")
    text = str(getattr(package, method[0].upper() + method[1:]).__returning__)
    text = re.sub(r"(?:typing\.|aiogram\.types\.\w+\.)", "", text)
    text = re.sub(r"<class '(?:[a-z_]+\.)*(\w+)'>", r"\1", text)
    text = re.sub(r"(?:Union\[)(.*)\]", lambda match: match[1].replace(", ", "|"), text)
    text = re.sub(r"[Ll]ist\[(.*)\]", r"Array of \1", text).replace(" | ", "|")
    return "|".join({"bool": "Boolean", "int": "Integer", "str": "String"}.get(part, part) for part in text.split("|"))


def _one_line_each(description: dict[str, Any]) -> str:
    """Return JSON in which each type and each method is a line, so that a newer version reads well as a diff."""
    parts = []
    for name, value in description.items():
        if isinstance(value, dict):
            lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(inner)}" for key, inner in value.items())
            parts.append(f"  {json.dumps(name)}: {{\n{lines}\n  }}")
        else:
            parts.append(f"  {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
