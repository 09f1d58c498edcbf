"""The services that invoices are for, and what people call them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

NAME_LENGTH = 40
"""How long a name can be: it stands in front of the provider's words in every line."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is paid for again and again. ``type`` is the provider's, in lower case; ``id`` is unique within the type."""

    type: str
    id: int


@dataclass(frozen=True, slots=True)
class ServiceName:
    """What the people of a chat call a service."""

    service: Service
    name: str


def renamed(names: Iterable[ServiceName], service: Service, name: str) -> tuple[ServiceName, ...]:
    """Return the names with a new one for this service. An empty one: it has none any more."""
    others = tuple(each for each in names if each.service != service)
    return (*others, ServiceName(service, name)) if name else others


def as_name(text: str) -> str:
    """Return what a person wrote as a name: on one line, without signs that can't be seen. ``-`` is no name."""
    seen = "".join(sign for sign in unicodedata.normalize("NFC", text) if sign.isspace() or _is_visible(sign))
    name = " ".join(seen.split())
    return "" if name in {"-", "–", "—"} else name


def _is_visible(sign: str) -> bool:
    # Joiners hold pictures such as families together.
    return sign == "\u200d" or unicodedata.category(sign) not in {"Cc", "Cf", "Cn", "Co", "Cs"}
