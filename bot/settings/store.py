"""The settings of what is stored, logged and served: all that the operator's commands on stored data need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import unquote

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticUseDefault
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_FILE = Path(".env")

MAX_PORT = 65535

_HOST = r"(?:\[[^]@/\s]*]|[^][:,@/?\s]*)(?::\d*)?"
DATABASE_URL_FORM = re.compile(
    rf"postgres(?:ql)?://(?:[^:@/\s]*(?::(?P<password>[^@/\s]*))?@)?{_HOST}(?:,{_HOST})*(?:/[^@?\s]*)?(?:\?[^@\s]*)?"
)
"""Only an unambiguous URL. Others the database's library reads in its way: it takes a part of a password for the name
of a host, looks for that, and prints it."""
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
PASSWORD_IN_QUERY = re.compile(r"[?&](?:ssl)?password=([^&]*)")

EMPTY_MEANS_OFF = frozenset({"quiet_hours", "holidays"})
"""Settings that an empty text switches off. Any other setting with an empty text counts as unset."""


def _split_commas(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        raise PydanticUseDefault
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not parts:
        # A list of empty parts must mean neither nobody nor everybody.
        raise ValueError("holds nothing but commas")
    return parts


COMMA_SEPARATED = BeforeValidator(_split_commas)
"""For fields with ``NoDecode``: the environment holds ``a,b``, not a JSON list."""


class Address(NamedTuple):
    """The address on which the process listens."""

    host: str
    port: int


class StoreSettings(BaseSettings):
    """The settings that every command needs. Each field is read from the variable with its name in capitals.

    Where pydantic itself checks a field, ``description`` says what it must be.
    """

    model_config = SettingsConfigDict(env_file=ENV_FILE, extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    database_url: SecretStr | None = None
    database_connections: int = Field(default=10, ge=1, le=1000, description="a whole number from 1 to 1000")
    database_timeout: float = Field(default=10, ge=1, le=600, description="a number of seconds from 1 to 600")
    token_keys: Annotated[tuple[SecretStr, ...], NoDecode, COMMA_SEPARATED] = ()
    web_listen: Annotated[Address | None, NoDecode] = None
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(str.lower)] = Field(
        default="console", description="console or json"
    )

    @property
    def secrets(self) -> list[str]:
        """All values that must never be logged."""
        url = self.database_url.get_secret_value() if self.database_url else ""
        form = DATABASE_URL_FORM.fullmatch(url)
        passwords = [form["password"] or "" if form else "", *PASSWORD_IN_QUERY.findall(url)]
        keys = [key.get_secret_value() for key in self.token_keys]
        return [text for text in (*keys, *passwords, *map(unquote, passwords)) if text]

    @field_validator("web_listen", mode="before")
    @classmethod
    def _address(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        host, _, port = value.strip().rpartition(":")
        if not port.isdecimal() or not 0 < int(port) <= MAX_PORT or (":" in host and not host.startswith("[")):
            raise ValueError("must be a port such as 8080, or an address such as 0.0.0.0:8080")
        return Address(host.strip("[]") or "127.0.0.1", int(port))

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_database_url(value.get_secret_value()):
            raise ValueError(
                "must be of the form postgresql://USER:PASSWORD@HOST/DATABASE. In user and password, write @ as %40, "
                "/ as %2F, : as %3A, % as %25 and a space as %20"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        """Drop settings with an empty text, unless that has a meaning."""
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != "" or name in EMPTY_MEANS_OFF}


def _is_database_url(value: str) -> bool:
    import psycopg  # only those who have a database need it
    from psycopg.conninfo import conninfo_to_dict

    try:
        unquote(value, errors="strict")
    except UnicodeDecodeError:
        return False
    if DATABASE_URL_FORM.fullmatch(value) is None or BAD_PERCENT.search(value):
        return False
    try:
        conninfo_to_dict(value)
    except psycopg.ProgrammingError:  # its text quotes the address
        return False
    return True
