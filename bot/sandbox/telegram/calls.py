"""A recorded call of the Bot API, and access to its parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.telegram.errors import bad_request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart request."""

    name: str
    mime_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Call:
    """One call, as it came in.

    ``parameters`` are the fields as text (structured ones in JSON), ``uploads`` the files by field name. Both are
    empty if the request was ``too_large`` to be read. ``status`` is the HTTP status of the answer, or 0 if there was
    none. ``result`` is what a good answer holds, ``description`` the words of a refusal.
    """

    method: str
    at: datetime
    parameters: Mapping[str, str]
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    too_large: bool = False
    status: int = 0
    result: object = None
    description: str = ""

    @property
    def chat_id(self) -> int | None:
        return self.integer("chat_id")

    def text(self, name: str) -> str:
        """Return a text field; empty if it is missing."""
        return self.parameters.get(name, "")

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "1", "yes", "t", "y"}

    def integer(self, name: str) -> int | None:
        """Return a whole number; None if the field is missing or holds something else."""
        try:
            return int(self.text(name))
        except ValueError:
            return None

    def number(self, name: str, default: int) -> int:
        found = self.integer(name)
        return default if found is None else found

    def structure(self, name: str, what: str) -> Any:
        """Return a field in JSON; None if it is missing. Raise :class:`ApiError`, naming ``what``, if it is invalid."""
        text = self.text(name)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def structure_or_none(self, name: str) -> Any:
        """Return a field in JSON; None if it is missing or invalid, which the server passes over in some fields."""
        try:
            return json.loads(self.text(name) or "null")
        except ValueError:
            return None
