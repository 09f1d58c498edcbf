"""Run commands on either store, with complete settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from bot.store.vault import new_key
from tests.store.cluster import Cluster, temporary_cluster

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster]:
    with temporary_cluster() as cluster:
        yield cluster


@pytest.fixture
def database_url(own_cluster: Cluster) -> str:
    return own_cluster.make_database("commands")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a bot on the embedded store, and return its folder."""
    monkeypatch.chdir(tmp_path)
    values = {
        "TELEGRAM_BOT_TOKEN": "123456789:replace-with-the-token-from-BotFather",
        "PROVIDER_URL": "https://provider.example/api/v1",
        "DATA_DIR": str(tmp_path / "data"),
        "TOKEN_KEYS": new_key(),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "data"


@pytest.fixture(params=["folder", "database"])
def place(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set up a bot on either store, and return the kind of store."""
    if request.param == "database":
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("database_url"))
    return str(request.param)


@pytest.fixture
def run() -> Run:
    """Return a function that runs a command."""

    def invoke(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=answer)

    return invoke
