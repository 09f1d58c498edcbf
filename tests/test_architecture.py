"""Which part of the bot may import which, and that an import does nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

CORE = {"domain", "errors", "invocation", "offload", "ports", "turns"}
WEB = {"health", "heartbeat", "metrics", "serving", "web"}
ROOT_MODULES = {"application", "factories", "ticking"}
PARTS = {
    *("chat", "clock", "doctor", "files", "garbage", "log_writer", "logs", "limiter", "loop_watch"),
    *("provider", "services", "settings", "store"),
}
EVERYTHING = CORE | WEB | ROOT_MODULES | PARTS
MAY_IMPORT = {
    "domain": set[str](),
    "errors": set[str](),
    "invocation": set[str](),
    "offload": {"turns"},
    "locales": set[str](),
    "garbage": set[str](),
    "loop_watch": set[str](),
    "log_writer": set[str](),
    "logs": {"log_writer"},
    "settings": {"domain", "errors"},
    "ports": {"domain", "errors"},
    "files": CORE,
    "services": CORE,
    "turns": set[str](),
    "limiter": CORE,
    "clock": CORE,
    "provider": CORE | {"logs", "limiter"},
    "store": CORE,
    "chat": CORE | {"services", "limiter"},
    "serving": set[str](),
    "health": CORE | {"clock"},
    "heartbeat": CORE | {"health"},
    "metrics": {"domain", "health", "loop_watch"},
    "web": CORE | {"chat", "health", "metrics", "serving"},
    "sandbox": CORE | {"serving", "settings"},
    "sandbox.demo": EVERYTHING | {"sandbox"},
    "factories": CORE | {"chat", "files", "limiter", "provider", "services", "settings", "store"},
    "ticking": CORE,
    "application": EVERYTHING,
    "commands": EVERYTHING,
    "doctor": EVERYTHING,
    "__main__": EVERYTHING | {"commands", "sandbox", "sandbox.demo"},
}
"""Which other parts each part may import. Every part may import itself, and ``bot`` for the version."""

ONLY_IN = {
    "facturx": {"provider"},
    "lxml": {"provider"},
    "pypdf": {"provider"},
    "rapidfuzz": {"services"},
    "segno": {"chat"},
    "stdnum": {"settings"},
    "telegram": {"chat", *ROOT_MODULES},
    "apscheduler": {"ticking"},
    "icalendar": {"files"},
    "pygal": {"files"},
    "resvg_py": {"files"},
    "httpx": {"provider", "heartbeat", *ROOT_MODULES},
    "aiohttp": {"provider", "application"},
    "tinydb": {"store"},
    "psycopg": {"store", "settings"},  # settings: whether it can read the URL
    "psycopg_pool": {"store"},
    "alembic": {"store"},
    "sqlalchemy": {"store"},
    "cryptography": {"store"},
    "filelock": {"store"},
    "prometheus_client": {"metrics", "web"},
    "starlette": {"web"},
    "uvicorn": {"serving"},
    "xlsxwriter": {"files"},
    "dotenv": {"settings"},
}
"""The only parts that may import a library."""

NOT_AT_START = {
    *("alembic", "sqlalchemy", "psycopg", "psycopg_pool"),  # with DATABASE_URL only
    *("prometheus_client", "starlette", "uvicorn"),  # with WEB_LISTEN only
    *("holidays", "stdnum"),  # with HOLIDAYS, and with a payee only
    *("rapidfuzz", "segno"),  # for some searches, and for some messages only
    *("facturx", "lxml", "pypdf", "xlsxwriter"),  # for e-invoices, in a process of their own, and for tables only
}
"""Libraries that a bot without such settings does not import until then: they cost time at the start, and memory."""

VIEWS = "bot.chat.views"
VIEWS_MAY_IMPORT = (
    "bot.domain",
    "bot.errors",
    "bot.ports",
    "bot.chat.screens",
    "bot.chat.texts",
    "bot.chat.zones",
    VIEWS,
)
MAY_IMPORT_VIEWS = (
    "bot.chat.handlers",
    "bot.chat.profile",
    "bot.chat.routing",
    "bot.chat.messenger",
    "bot.chat.pack_messenger",
    VIEWS,
)
"""Views turn domain objects into text and buttons. Only modules that show them may import them; the context may not."""

IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "subprocess", "tempfile", "time"}
CLOCKS = {"now", "today", "utcnow", "fromtimestamp"}


@dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its part of the bot, and its syntax tree."""

    path: Path
    name: str
    part: str
    tree: ast.Module

    def imports(self) -> Iterator[tuple[str, int]]:
        """Yield each imported dotted name with its line, from anywhere in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                # In `from bot import ports`, the module's name is bot.ports.
                ours = str(node.module).split(".")[0] == "bot"
                names = [f"{node.module}.{alias.name}" for alias in node.names] if ours else [str(node.module)]
                yield from ((name, node.lineno) for name in names)

    def only_for_types(self) -> set[int]:
        """Return the lines for the type checker only."""
        return {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for statement in node.body
            for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        }

    def guarded(self) -> set[int]:
        """Return the lines on which a package may be missing: in a ``try`` that catches ModuleNotFoundError."""
        tries = [node for node in ast.walk(self.tree) if isinstance(node, ast.Try)]
        return {
            line
            for node in tries
            if any(handler.type and ast.unparse(handler.type) == "ModuleNotFoundError" for handler in node.handlers)
            for statement in node.body
            for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
        }

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


def part_of(name: str) -> str:
    """Return a module's part: ``chat`` for ``bot.chat.views``. The sandbox's demo is a part of its own."""
    first, *rest = name.split(".")[1:] or [""]
    return "sandbox.demo" if first == "sandbox" and rest[:1] == ["demo"] else first


def is_within(name: str, packages: Iterable[str]) -> bool:
    """Return whether a dotted name is one of these packages, or in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def read(path: Path) -> Module:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return Module(path, name, part_of(name), ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))


SOURCES = {
    folder: [read(path) for path in sorted((ROOT / folder).rglob("*.py"))] for folder in ("bot", "tests", "benchmarks")
}
MODULES = SOURCES["bot"]


def test_every_part_is_listed() -> None:
    unknown = {module.part for module in MODULES} - MAY_IMPORT.keys() - {""}
    assert not unknown, f"list in MAY_IMPORT what these may import: {sorted(unknown)}"


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_only_what_it_may(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part, ""}
    wrong = [
        f"{module.at(line)}: {part} must not import {name}"
        for module in MODULES
        if module.part == part
        for name, line in module.imports()
        if name.split(".")[0] == "bot" and part_of(name) not in allowed and name != "bot.__version__"
    ]
    assert not wrong, "\n".join(wrong)


def test_a_view_imports_no_service_and_no_context() -> None:
    wrong = [
        f"{module.at(line)}: a view must not import {name}"
        for module in MODULES
        if is_within(module.name, [VIEWS])
        for name, line in module.imports()
        if is_within(name, ["bot"]) and not is_within(name, VIEWS_MAY_IMPORT)
    ]
    assert not wrong, "\n".join(wrong)


def test_only_modules_that_show_views_import_them() -> None:
    wrong = [
        f"{module.at(line)}: {module.name} must not import {name}"
        for module in MODULES
        if module.part == "chat" and not is_within(module.name, MAY_IMPORT_VIEWS)
        for name, line in module.imports()
        if is_within(name, [VIEWS])
    ]
    assert not wrong, "\n".join(wrong)


def test_no_import_is_relative() -> None:
    wrong = [
        module.at(node.lineno)
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not wrong, f"write the whole name: {wrong}"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports under ``if TYPE_CHECKING`` don't count. All others do, also those within functions."""
    modules = {module.name for module in MODULES}
    graph = {
        module.name: {
            name if name in modules else name.rpartition(".")[0]
            for name, line in module.imports()
            if line not in ignored
        }
        for module in MODULES
        for ignored in [module.only_for_types()]
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_is_imported_only_by_its_parts(library: str) -> None:
    wrong = [
        f"{module.at(line)}: {library} belongs to {sorted(ONLY_IN[library])}"
        for module in MODULES
        if module.part not in ONLY_IN[library] and not module.part.startswith("sandbox")
        for name, line in module.imports()
        if name.split(".")[0] == library
    ]
    assert not wrong, "\n".join(wrong)


def test_the_sandbox_imports_neither_telegram_nor_httpx() -> None:
    wrong = [
        f"{module.at(line)}: the sandbox plays the other side and must not use {name}"
        for module in MODULES
        if module.part == "sandbox"
        for name, line in module.imports()
        if name.split(".")[0] in {"telegram", "httpx"}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_domain_does_no_input_or_output_and_uses_no_library() -> None:
    wrong = [
        f"{module.at(line)}: {name}"
        for module in MODULES
        if module.part == "domain"
        for name, line in module.imports()
        if name.split(".")[0] in IMPURE or name.split(".")[0] not in {*sys.stdlib_module_names, "bot"}
    ]
    assert not wrong, "\n".join(wrong)


def test_domain_and_services_never_ask_the_time() -> None:
    wrong = [
        f"{module.at(node.lineno)}: {ast.unparse(node)}; the time comes in as an argument"
        for module in MODULES
        if module.part in {"domain", "services"}
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr in CLOCKS and ast.unparse(node.func.value) in {"datetime", "date", "datetime.datetime"}
    ]
    assert not wrong, "\n".join(wrong)


def test_production_imports_only_what_is_installed_there() -> None:
    wrong = [
        f"{module.at(line)}: {name} is not in requirements/{requirements}.txt"
        for module in MODULES
        for name, line in module.imports()
        for requirements in ["demo" if module.part.startswith("sandbox") or line in module.guarded() else "run"]
        if not installed_by(requirements, name.split(".")[0])
    ]
    assert not wrong, "\n".join(wrong)


def test_every_dependency_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["demo"]}
    imported = {name.split(".")[0] for module in MODULES for name, _ in module.imports()}
    used = {canonicalize_name(dist) for name in imported for dist in distributions().get(name, [])}
    by_other_ways = {
        "apscheduler",  # the job queue of python-telegram-bot
        "python-multipart",  # Starlette reads forms with it
        "tzdata",  # zoneinfo falls back to it where the system has no time zones
    }
    unused = {canonicalize_name(Requirement(line).name) for line in declared} - used - by_other_ways
    assert not unused, f"declared in pyproject.toml, imported nowhere: {sorted(unused)}"


@pytest.mark.parametrize("folder", sorted(SOURCES))
def test_every_module_says_what_it_is_for(folder: str) -> None:
    silent = [str(module.path.relative_to(ROOT)) for module in SOURCES[folder] if not ast.get_docstring(module.tree)]
    assert not silent, f"without a docstring: {silent}"


def test_importing_connects_to_nothing_reads_nothing_and_starts_nothing(tmp_path: Path) -> None:
    """Import every module in a fresh process, in which each of these actions raises an error."""
    (tmp_path / ".env").write_text("LOG_LEVEL=unheard-of\n")
    names = [module.name for module in MODULES]
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_ALL, str(ROOT), *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == [".env"]


def test_a_start_imports_only_what_the_settings_need(tmp_path: Path) -> None:
    """Put the bot together in a fresh process, as ``run`` does."""
    settings = {"TELEGRAM_BOT_TOKEN": "1:" + "a" * 35, "PROVIDER_URL": "http://localhost:1", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", _ASSEMBLE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert "telegram" in imported
    assert not NOT_AT_START & imported


_ASSEMBLE = """
import asyncio, sys
from bot import __main__, application
from bot.settings import load_settings

async def main():
    async with application.assembled(load_settings()):
        print(*{name.partition(".")[0] for name in sys.modules})

asyncio.run(main())
"""

_IMPORT_ALL = """
import importlib, os, sys
root, *names = sys.argv[1:]
sys.path.insert(0, root)
sys.dont_write_bytecode = True
FORBIDDEN = ("socket.", "subprocess.", "os.mkdir", "os.remove", "os.rename", "os.system", "os.fork", "tempfile.")

def forbid(event, arguments):
    if event.startswith(FORBIDDEN):
        raise RuntimeError(f"at import: {event} {arguments}")
    if event == "open" and isinstance(arguments[0], str):
        path = os.path.abspath(arguments[0])
        ours = path.startswith((os.getcwd() + os.sep, os.path.join(root, "bot") + os.sep))
        if ours and not path.endswith((".py", ".pyc")):
            raise RuntimeError(f"at import: open {path}")

for name in ("asyncio", "telegram.ext", "uvicorn", "starlette.applications", "fpdf", "babel.support"):
    importlib.import_module(name)  # libraries may do more at import
sys.addaudithook(forbid)
for name in names:
    importlib.import_module(name)
"""


@cache
def distributions() -> Mapping[str, list[str]]:
    """Return the installed distributions of each top-level module."""
    return packages_distributions()


@cache
def locked(requirements: str) -> frozenset[str]:
    """Return the canonical names of the distributions in a list of requirements."""
    lines = (ROOT / "requirements" / f"{requirements}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(canonicalize_name(line.partition("==")[0]) for line in lines if "==" in line)


def installed_by(requirements: str, module: str) -> bool:
    """Return whether a top-level module is ours, the standard library's, or in that list of requirements."""
    if module in sys.stdlib_module_names or module == "bot":
        return True
    return any(canonicalize_name(dist) in locked(requirements) for dist in distributions().get(module, []))
