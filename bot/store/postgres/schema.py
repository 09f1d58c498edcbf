"""Bring the schema up to date under a lock: of processes that start together, one does it and the others wait."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psycopg
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bot.errors import StartError
from bot.invocation import call_of

LOCK = 4_211_064_501
"""The number of the advisory lock. It ends with its transaction, however that ends."""

RIGHTS = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; "
    "GRANT USAGE ON SEQUENCE epochs TO {role}"
)
"""What a role needs that uses the tables and does not own them."""

MISSING = """
    SELECT current_user WHERE NOT has_sequence_privilege('epochs', 'USAGE') OR EXISTS (
        SELECT FROM pg_tables, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS kind
        WHERE schemaname = 'public'
        AND tablename IN ('chats', 'payments', 'papers', 'leases', 'budgets', 'replicas', 'store')
        AND NOT has_table_privilege(format('%I.%I', schemaname, tablename), kind)
    )
"""

CONNECT_WITHIN = 10  # seconds


def migrate(url: str) -> str:
    """Bring the schema up to date in one transaction, on a connection of its own. Return the schema's version.

    Raise :class:`psycopg.OperationalError` if the database can't be reached. Raise :class:`StartError` if the schema is
    of a newer version of the bot, or the bot's role may not change it.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(url, connect_timeout=CONNECT_WITHIN, prepare_threshold=None),
        poolclass=NullPool,
    )
    try:
        with engine.begin() as connection:
            context = MigrationContext.configure(connection, opts={"fn": _steps})
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            with Operations.context(context):
                context.run_migrations()
            missing = connection.exec_driver_sql(MISSING.replace("%", "%%")).scalar()
            if missing:
                raise StartError(
                    f"The database's role lacks rights. Let the owner of the tables run: {_grants(missing)}"
                )
            return context.get_current_revision() or ""
    except psycopg.errors.InsufficientPrivilege as error:
        raise _forbidden(error) from error
    except Exception as error:
        cause = getattr(error, "orig", None)  # SQLAlchemy wraps the driver's errors
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise _forbidden(cause) from error
        if isinstance(cause, psycopg.Error):
            raise cause from error
        raise


def newest() -> str:
    """Return the version of the schema that this program needs."""
    return _scripts().get_current_head() or ""


def check_version(version: str) -> None:
    """Raise :class:`StartError` if this program is too old for the schema."""
    if version and version not in {script.revision for script in _scripts().walk_revisions()}:
        raise StartError(
            f"The database has the schema {version}, which is of a newer version of the bot (this one knows {newest()})"
            ": install that one."
        )


def _steps(versions: tuple[str, ...], _: MigrationContext) -> Iterable[MigrationStep]:
    """Return the steps that are still to be taken, the oldest first."""
    for version in versions:
        check_version(version)
    scripts = _scripts()
    missing = list(scripts.iterate_revisions("head", versions[0] if versions else "base"))
    return [MigrationStep.upgrade_from_script(scripts.revision_map, script) for script in reversed(missing)]


def _scripts() -> ScriptDirectory:
    folder = Path(__file__).parent
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def _forbidden(error: psycopg.Error) -> StartError:
    return StartError(
        f"The database's role may not change the schema ({error.diag.message_primary}). Let it own the database, or "
        f"run `{call_of('migrate')}` with a DATABASE_URL of a role that may, and as that role: "
        + _grants("THE_BOTS_ROLE")
    )


def _grants(role: str) -> str:
    return RIGHTS.format(role=role) + ";"
