"""What the operator's commands need to be set, and what they say where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.conftest import Run


@pytest.fixture
def nothing_else_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset what concerns Telegram and the provider."""
    for name in ("TELEGRAM_BOT_TOKEN", "PROVIDER_URL"):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("nothing_else_set")
def test_commands_on_stored_data_need_no_bot_token(
    database_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("chats", "list").exit_code == 0
    assert run("outbox", "list").exit_code == 0
    assert run("rekey").exit_code == 0
    assert "WEB_LISTEN" in run("health").stderr
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert run("migrate").exit_code == 0
    assert run("move", "to-database").exit_code == 0


@pytest.mark.usefixtures("nothing_else_set")
def test_empty_lists_say_that_they_are_empty(run: Run) -> None:
    assert run("chats", "list").stdout == "No chat is stored.\n"
    assert run("outbox", "list").stdout == "No alert waits.\n"
    assert run("outbox", "list", "--set-aside").stdout == "No alert was set aside.\n"
    assert run("chats", "list", "--json").stdout == "[]\n"


def test_a_move_without_a_database_says_which_setting_is_missing_for_it(folder: Path, run: Run) -> None:
    said = run("move", "to-database").stderr
    assert "DATABASE_URL is not set. Set it beside DATA_DIR" in said
    assert "migration" not in said


@pytest.mark.parametrize("length", [256, 5000])
def test_a_data_folder_whose_name_is_too_long_is_a_sentence(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setenv("DATA_DIR", length * "a")
    monkeypatch.delenv("TOKEN_KEYS")
    done = run("chats", "list")
    assert done.exit_code == 1
    assert "File name too long" in done.stderr
    assert "Set DATA_DIR to a folder" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["chats", "--help"], ["outbox", "--help"]])
def test_help_cuts_no_summary(run: Run, arguments: list[str]) -> None:
    assert not [line for line in run(*arguments).stdout.splitlines()[1:] if line.endswith("...")]
