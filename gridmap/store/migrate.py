"""Bring a database to the tables that this gridmap knows.

All steps run in one writing transaction, so a kill leaves the old tables or the new, and of two programs
that open a database at once one migrates while the other waits. Alembic is imported only when there is
something to do (it takes half a second).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from gridmap.errors import HomeError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from gridmap.store.database import Database

HEAD: Final = "0004"
"""The newest step in `migrations/versions` (a test compares)."""


def migrate(database: Database) -> None:
    """Bring the tables up to date; nothing happens when they are.

    HomeError: made by a newer gridmap, or not writable.
    """
    with database.reading() as connection:
        found = _revision(connection)
    if found == HEAD:
        return
    with database.writing() as connection:
        found = _revision(connection)  # another program may have been faster
        if found != HEAD:
            _upgrade(connection, found, database.name)


def _revision(connection: Connection) -> str | None:
    """Return the step that a database stands at, None for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def config() -> Config:
    """Return Alembic's settings: where the steps are, and nothing else."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", "gridmap.store:migrations")
    settings.set_main_option("path_separator", "os")
    return settings


def _upgrade(connection: Connection, found: str | None, name: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    settings = config()
    known = {step.revision for step in ScriptDirectory.from_config(settings).walk_revisions()}
    if found is not None and found not in known:
        raise HomeError(f"{name}: its tables are at step {found}, made by a newer gridmap: install that one")
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
