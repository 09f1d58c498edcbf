"""Packaging: the wheel, the pinned requirements, the example settings, the container image, the Makefile."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from dataclasses import MISSING, fields
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

import pytest
from dotenv import dotenv_values
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bot
from bot.settings import Secret, Settings, load_settings

ROOT = Path(__file__).parents[1]
LISTS = ["run", "demo", "dev"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- The wheel ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the checkout with the build backend of pyproject.toml."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*") if path.is_file()}
    expected = {name for name in sources if "__pycache__" not in name}
    assert names == expected
    assert "bot/py.typed" in names
    assert {f"bot/locales/{language}/LC_MESSAGES/bot.po" for language in ("en", "de")} <= names


def test_the_installed_program_runs_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    """Install it in a new environment that takes only the requirements from the present one."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*install, "--disable-pip-version-check"], check=True, capture_output=True)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")

    where = run(python, "-c", "import bot; print(bot.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(packages)
    assert bot.__version__ in run(home / "bin" / "invoice-bot", "--version", cwd=tmp_path)
    assert bot.__version__ in run(python, "-m", "bot", "--version", cwd=tmp_path)


def run(*command: Path | str, cwd: Path) -> str:
    """Run a command that must succeed, without access to the checkout and the tests' settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_changelog_has_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\]", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1:] in ([], [bot.__version__, *headings[2:]])


# --- The requirements -----------------------------------------------------------------------------------------------


def pins(name: str) -> dict[str, str]:
    """Read a list of requirements as versions by canonical name. Fail on any other line."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", text_of(f"requirements/{name}.txt").strip()):
        first, *rest = entry.splitlines()
        pin = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)(?: ; .+)? \\", first)
        assert pin, f"not pinned to one version: {first}"
        assert [line for line in rest if re.fullmatch(r" +--hash=sha256:[0-9a-f]{64}(?: \\)?", line)], first
        found[canonicalize_name(pin[1])] = pin[2]
    return found


@pytest.mark.parametrize("name", LISTS)
def test_requirements_are_pinned_with_hashes_and_name_no_address(name: str) -> None:
    assert pins(name)
    text = text_of(f"requirements/{name}.txt")
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, flags=re.MULTILINE), "options such as --index-url have no place here"


def test_the_lists_agree_with_each_other() -> None:
    run_pins, demo, dev = (pins(name) for name in LISTS)
    assert run_pins.items() <= demo.items() <= dev.items()


def test_the_lists_satisfy_what_the_project_declares() -> None:
    data = tomllib.loads(text_of("pyproject.toml"))
    project = data["project"]
    declared = {
        "run": project["dependencies"],
        "demo": project["optional-dependencies"]["demo"],
        "dev": [*data["dependency-groups"]["dev"], *data["build-system"]["requires"]],
    }
    for name, lines in declared.items():
        for requirement in map(Requirement, lines):
            version = pins(name)[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement} against {version}: run `make lock`"


# --- The example settings -------------------------------------------------------------------------------------------


def example_settings() -> tuple[dict[str, str | None], dict[str, str]]:
    """Read the settings of .env.example: those that are set, and those that are commented out."""
    commented = re.findall(r"^# ([A-Z][A-Z_]+)=(.*)$", text_of(".env.example"), flags=re.MULTILINE)
    return dict(dotenv_values(ROOT / ".env.example")), dict(commented)


def test_the_example_names_every_setting_and_sets_the_required_ones() -> None:
    required, optional = example_settings()
    assert set(required) == {each.name.upper() for each in fields(Settings) if each.default is MISSING}
    assert set(optional) == {each.name.upper() for each in fields(Settings) if each.default is not MISSING}


def test_the_example_shows_the_real_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    required, optional = example_settings()
    for name in required.keys() | optional.keys():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:token")  # not the example's
    monkeypatch.setenv("PROVIDER_URL", "https://hosting.example")
    uncommented = tmp_path / "all.env"
    uncommented.write_text("".join(f"{name}={value}\n" for name, value in {**required, **optional}.items()))
    as_shown = load_settings(_env_file=uncommented)
    by_default = load_settings(_env_file=ROOT / ".env.example")
    assert as_shown == by_default


def test_every_setting_in_the_example_has_a_comment_above_it() -> None:
    lines = text_of(".env.example").splitlines()
    for above, line in pairwise(lines):
        if re.match(r"(# )?[A-Z][A-Z_]+=", line):
            assert re.match(r"# [A-Z][^=]+$", above), line


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.+?) \|", text_of("README.md"), flags=re.MULTILINE))
    assert sorted(rows) == sorted(each.name.upper() for each in fields(Settings))
    _, defaults = example_settings()
    for each in fields(Settings):
        name = each.name.upper()
        shown = rows[name]
        if each.default is MISSING:
            assert shown == "required"
        elif each.default not in (None, "", (), Secret("")):
            assert shown.strip("`") == defaults[name], name
        else:
            assert "`" not in shown.replace("`DATA_DIR`", ""), name


# --- The container image --------------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Read the Dockerfile as pairs of instruction and arguments, with continued lines joined."""
    joined = re.sub(r"\\\n", " ", text_of("Dockerfile"))
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_has_a_pinned_base() -> None:
    bases = {rest.split(" AS ")[0] for word, rest in instructions() if word == "FROM"}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.13\.\d+-slim-\w+@sha256:[0-9a-f]{64}", bases.pop())


def test_the_image_installs_run_requirements_only_with_hashes() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 1
    assert "--require-hashes --requirement /build/run.txt" in installs[0]
    assert ("COPY", "requirements/run.txt /build/run.txt") in instructions()


def test_the_image_runs_the_bot_without_root_rights_and_ends_on_sigterm() -> None:
    last = dict(instructions())
    assert json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"]) == ["python", "-m", "bot", "run"]
    assert last["USER"] not in {"root", "0"}
    assert last["VOLUME"] == "/data"
    assert "DATA_DIR=/data" in last["ENV"]
    assert last["STOPSIGNAL"] == "SIGTERM"


def test_the_builder_is_sent_what_it_copies_and_no_secrets() -> None:
    rules = [line for line in text_of(".dockerignore").splitlines() if line and not line.startswith("#")]

    def sent(name: str) -> bool:
        verdict = True
        for rule in rules:
            if fnmatch(name, rule.removeprefix("!")) or name.startswith(f"{rule.removeprefix('!')}/"):
                verdict = rule.startswith("!")
        return verdict

    copied = [rest.split()[0] for word, rest in instructions() if word == "COPY" and not rest.startswith("--from")]
    assert copied
    for name in copied:
        assert sent(name), name
        assert (ROOT / name).exists()
    assert not any(map(sent, [".env", "data/token.key", "tests/conftest.py", ".git/config"]))


# --- The Makefile ---------------------------------------------------------------------------------------------------


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make without the variables of a make that may be running the tests."""
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)


def test_make_alone_lists_its_commands() -> None:
    listed = make().stdout
    for command in ("demo", "test", "run", "lint", "format", "lock", "clean"):
        assert re.search(rf"^  make {command} +\S", listed, flags=re.MULTILINE), command


def test_an_unknown_python_is_explained(tmp_path: Path) -> None:
    done = make("lint", "PYTHON=python-nobody-has", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13, but 'python-nobody-has' is not there" in done.stderr
    assert not (tmp_path / "venv").exists()
