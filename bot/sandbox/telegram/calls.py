"""What the bot asked of the Bot API: the record of a call, and the reading of its parameters."""

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

    ``parameters`` are the fields as text (structured ones in JSON), ``uploads`` the files by field name; neither is
    kept of a request that was far ``too_large``. ``status`` is the HTTP status of the answer, 0 where none was given,
    ``description`` the words of a refusal.
    """

    method: str
    at: datetime
    parameters: Mapping[str, str]
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    too_large: bool = False
    status: int = 0
    description: str = ""

    @property
    def chat_id(self) -> int | None:
        return self.integer("chat_id")

    def text(self, name: str) -> str:
        """A text field; empty where it is missing."""
        return self.parameters.get(name, "")

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "1", "yes", "t", "y"}

    def integer(self, name: str) -> int | None:
        """A whole number; None where the field is missing or holds none."""
        try:
            return int(self.text(name))
        except ValueError:
            return None

    def number(self, name: str, default: int) -> int:
        found = self.integer(name)
        return default if found is None else found

    def structure(self, name: str, what: str) -> Any:
        """A field in JSON; None where it is missing. ``what`` names it in the refusal of anything else."""
        text = self.text(name)
        if not text:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise bad_request(f"can't parse {what} JSON object") from None
