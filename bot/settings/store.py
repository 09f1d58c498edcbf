"""The settings of what is stored, logged and served: all that the operator's commands on stored data need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import unquote

from bot.settings.declaring import Secret, Unfit, each, number, one_of, setting, whole

ENV_FILE = Path(".env")

MAX_PORT = 65535
PORT_FORM = re.compile(r"\d{1,5}")

_HOST = r"(?:\[[^]@/\s]*]|[^][:,@/?\s]*)(?::\d*)?"
DATABASE_URL_FORM = re.compile(
    rf"postgres(?:ql)?://(?:[^:@/\s]*(?::(?P<password>[^@/\s]*))?@)?{_HOST}(?:,{_HOST})*(?:/[^@?\s]*)?(?:\?[^@\s]*)?"
)
"""Only an unambiguous URL. Others the database's library reads in its way: it takes a part of a password for the name
of a host, looks for that, and prints it."""
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
PASSWORD_IN_QUERY = re.compile(r"[?&](?:ssl)?password=([^&]*)")


class Address(NamedTuple):
    """The address on which the process listens."""

    host: str
    port: int


def _address(text: str) -> Address:
    host, _, port = text.strip().rpartition(":")
    if not PORT_FORM.fullmatch(port) or not 0 < int(port) <= MAX_PORT or (":" in host and not host.startswith("[")):
        raise Unfit("must be a port such as 8080, or an address such as 0.0.0.0:8080")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _database(text: str) -> Secret:
    if not _is_database_url(text):
        raise Unfit(
            "must be of the form postgresql://USER:PASSWORD@HOST/DATABASE. In user and password, write @ as %40, "
            "/ as %2F, : as %3A, % as %25 and a space as %20"
        )
    return Secret(text)


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """The settings that every command needs. Each field is read from the variable with its name in capitals."""

    data_dir: Path = setting(Path, default=Path("data"))
    database_url: Secret | None = setting(_database, default=None, shown=False)
    database_connections: int = setting(whole(1, 1000), default=10, must_be="a whole number from 1 to 1000")
    database_timeout: float = setting(number(1, 600), default=10, must_be="a number of seconds from 1 to 600")
    token_keys: tuple[Secret, ...] = setting(each(Secret), default=(), shown=False)
    web_listen: Address | None = setting(_address, default=None)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        one_of("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", must_be="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["console", "json"] = setting(
        one_of("console", "json"), default="console", must_be="console or json"
    )

    @property
    def secrets(self) -> list[str]:
        """All values that must never be logged."""
        url = self.database_url.get_secret_value() if self.database_url else ""
        form = DATABASE_URL_FORM.fullmatch(url)
        passwords = [form["password"] or "" if form else "", *PASSWORD_IN_QUERY.findall(url)]
        keys = [key.get_secret_value() for key in self.token_keys]
        return [text for text in (*keys, *passwords, *map(unquote, passwords)) if text]

    def contradictions(self) -> Iterator[str]:
        """Yield a sentence for each setting that doesn't fit to another."""
        yield from ()


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
