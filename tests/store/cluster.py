"""A temporary PostgreSQL cluster in a folder of its own. It listens on a socket in that folder."""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
import pytest

from tests.programs import WITHOUT_POSTGRES, postgres, without

USER = "bot"
UNPRIVILEGED_USER = "nobody"
"""The user of the server if the tests run as root, because PostgreSQL refuses to run as root. Every system has it."""

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "64MB",
}


class Cluster:
    """A server with its own data. A test may stop and start it. ``settings`` are the server's."""

    def __init__(self, **settings: str) -> None:
        self._bin = programs()
        # Not pytest's folder: the path of a socket has at most a hundred characters, and another user needs access.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._user: str | None = None
        if os.geteuid() == 0:
            account = pwd.getpwnam(UNPRIVILEGED_USER)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._user = UNPRIVILEGED_USER
        self._call("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        chosen = {**SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("\n".join(["", *(f"{name} = '{value}'" for name, value in chosen.items()), ""]))

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        self._call("pg_ctl", "-D", "data", "-l", "log", "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server. ``immediate`` acts like a crash: all connections end at once."""
        self._call("pg_ctl", "-D", "data", "-m", mode, "-w", "stop")

    def make_database(self, name: str) -> str:
        """Make an empty database in place of one with the same name, and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            cwd=self.folder,
            user=self._user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # not a pipe: the server keeps it open
            stderr=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{program} failed: {done.stderr or (self.folder / 'log').read_text()}")


@contextmanager
def temporary_cluster(**settings: str) -> Iterator[Cluster]:
    """Start a cluster, and remove it at the end. ``settings`` are the server's."""
    cluster = Cluster(**settings)
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.remove()


@cache
def programs() -> Path:
    """Return the folder with PostgreSQL's programs. Without them, skip the test, or fail in CI.

    As root it is a copy of the wheel's, because the server's user may not be allowed into the environment.
    """
    folder = postgres()
    if folder is None:
        without(WITHOUT_POSTGRES)
    if os.geteuid() or not folder.is_relative_to(sys.prefix):
        return folder
    copy = Path(tempfile.mkdtemp(prefix="pg-programs-"))
    atexit.register(shutil.rmtree, copy)
    copy.chmod(0o755)
    packages = folder.parents[2]
    for part in (folder.parent, folder.parents[1].with_suffix(".libs")):
        shutil.copytree(part, copy / part.relative_to(packages), ignore=shutil.ignore_patterns("include"))
    return copy / folder.relative_to(packages)
