"""The tables. A change here needs a migration in `migrations/versions` (a test compares the two).

editions     published sets of areas; a row is written once and never changed.
features     every code ever used and the number it keeps for ever (map tiles and SQL joins want numbers).
areas        the temporal register: what an area was called, and under whom, from one edition to another.
column_sets  columnar files behind the blob door, the newest of a kind is the current one.
devices      things that report.
numbers      what `features` is for areas, for devices; buildings have a column set for it.
staff_posts  the duty roster.
log          what was said and done, in the order in which everybody sees it: events, orders, editions.
log_archives, archived_keys  which rows of the log stand in blobs now, and what each of them is known by.
personal     names and phones of those who reported, apart from the log, so that they can be erased.
attachments  photos of events; what is erased leaves its row, without its data.
device_states  the last that each device said, and when to look at it next; each change has a number.
hooks, deliveries  who wants to be told of what in the log, and what is still to be told, or could not be.
situations   what the events add up to: what is open now, and what was closed lately.
orders       work orders as the log makes them; the log's rows are their history.
checkpoints  how far along the log each follower is, stored with what it made of it.
secrets      keys that this city made for itself, by name.
blobs, blob_chunks  large immutable bytes, where a store keeps them in its database (a home has a folder).

In PostgreSQL there is also `current_areas`, which `gridmap.store.projection` makes from all this for others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class Instant(TypeDecorator[datetime]):
    """A moment in time: always aware, always back in UTC.

    SQLite has no such type and would drop the offset; there it is RFC 3339 text of one width, so that it
    sorts as time does.
    """

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str] | TypeEngine[datetime]:
        """Text in SQLite, a timestamp with time zone elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | datetime | None:
        """To the database; a naive time is a broken promise of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        moment = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return moment

    def process_result_value(self, value: str | datetime | None, _dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
"""Constraints have names everywhere, so that a later migration can speak of them."""

editions = Table(
    "editions",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("base", Integer, ForeignKey("editions.number")),
    Column("checksum", Text, nullable=False),
    Column("proven", Boolean, nullable=False),
    Column("proof", JSON, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("blob", String(64), nullable=False),
)

features = Table(
    "features",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
)

areas = Table(
    "areas",
    metadata,
    Column("feature", BigInteger, ForeignKey("features.id"), primary_key=True, autoincrement=False),
    Column("first_edition", Integer, ForeignKey("editions.number"), primary_key=True, autoincrement=False),
    Column("last_edition", Integer, ForeignKey("editions.number")),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parent", Text),
)
# One row of a code may be current, and finding the current ones must not read the past.
_now = areas.c.last_edition.is_(None)
Index("ux_areas_current", areas.c.feature, unique=True, sqlite_where=_now, postgresql_where=_now)

column_sets = Table(
    "column_sets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False, index=True),
    Column("rows", BigInteger, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("stored_at", Instant, nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("code", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("x", Integer, nullable=False),
    Column("y", Integer, nullable=False),
    Column("building", Text),
)

numbers = Table(
    "numbers",
    metadata,
    Column("sort", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("id", BigInteger, nullable=False),
    UniqueConstraint("sort", "id"),
)

staff_posts = Table(
    "staff_posts",
    metadata,
    Column("code", Text, primary_key=True),
    Column("grid", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("shift", Text, nullable=False),
)

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite's own row number, without a second index

log = Table(
    "log",
    metadata,
    Column("seq", _ROW_ID, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    UniqueConstraint("kind", "key"),
)

log_archives = Table(
    "log_archives",
    metadata,
    Column("first", _ROW_ID, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("begin_ms", BigInteger),
    Column("end_ms", BigInteger),
    Column("archived_ms", BigInteger, nullable=False),
)

# 16 bytes for each row that was ever archived: the hash finds the row, which says whether it is the one.
archived_keys = Table(
    "archived_keys",
    metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

personal = Table(
    "personal",
    metadata,
    Column("event", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary),
    Column("stored_ms", BigInteger, nullable=False),
    Column("erased_ms", BigInteger),
)

device_states = Table(
    "device_states",
    metadata,
    Column("device", Text, primary_key=True),
    Column("changed", BigInteger, nullable=False, index=True),
    Column("due_ms", BigInteger, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

hooks = Table(
    "hooks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("hook", Text, ForeignKey("hooks.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("problem", Text),
    Index("ix_deliveries_state", "state", "next_ms"),
)

situations = Table(
    "situations",
    metadata,
    Column("thing", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_situations_is_open", "is_open", "seq"),
    Index("ix_situations_seq", "seq"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", _ROW_ID, nullable=False, unique=True),
    Column("thing", Text, nullable=False, index=True),
    Column("is_live", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text),
    Column("person", Text),
    Column("due_ms", BigInteger),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_orders_is_live", "is_live", "number"),
    Index("ix_orders_code", "code", "number"),
    Index("ix_orders_person", "person", "is_live"),
    Index("ix_orders_due_ms", "due_ms"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

secrets_ = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
)

blob_chunks = Table(
    "blob_chunks",
    metadata,
    Column("key", String(64), ForeignKey("blobs.key"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)
