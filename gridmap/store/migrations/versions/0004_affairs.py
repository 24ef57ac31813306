"""The log with what is made of it; editions that are here already become its first rows."""

import json

import sqlalchemy as sa
from alembic import op

from gridmap.store.log import row_checksum

revision = "0004"
down_revision = "0003"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and begin the log."""
    log = op.create_table(
        "log",
        sa.Column("seq", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_log"),
        sa.UniqueConstraint("kind", "key", name="uq_log_kind"),
    )
    _make_archives()
    _make_kept_apart()
    _make_hooks()
    _make_situations_and_orders()
    _begin(log)


def _make_archives() -> None:
    op.create_table(
        "log_archives",
        sa.Column("first", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("begin_ms", sa.BigInteger),
        sa.Column("end_ms", sa.BigInteger),
        sa.Column("archived_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("first", name="pk_log_archives"),
    )
    op.create_table(
        "archived_keys",
        sa.Column("hash", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("hash", "seq", name="pk_archived_keys"),
        sqlite_with_rowid=False,
    )


def _make_kept_apart() -> None:
    op.create_table(
        "personal",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("event", name="pk_personal"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("stored_ms", sa.BigInteger, nullable=False),
        sa.Column("erased_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_table(
        "device_states",
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("device", name="pk_device_states"),
    )
    op.create_index("ix_device_states_changed", "device_states", ["changed"])
    op.create_index("ix_device_states_due_ms", "device_states", ["due_ms"])
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )


def _make_situations_and_orders() -> None:
    op.create_table(
        "situations",
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("thing", name="pk_situations"),
    )
    op.create_index("ix_situations_is_open", "situations", ["is_open", "seq"])
    op.create_index("ix_situations_seq", "situations", ["seq"])
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("thing", sa.Text, nullable=False),
        sa.Column("is_live", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("person", sa.Text),
        sa.Column("due_ms", sa.BigInteger),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.UniqueConstraint("number", name="uq_orders_number"),
    )
    op.create_index("ix_orders_thing", "orders", ["thing"])
    op.create_index("ix_orders_is_live", "orders", ["is_live", "number"])
    op.create_index("ix_orders_code", "orders", ["code", "number"])
    op.create_index("ix_orders_person", "orders", ["person", "is_live"])
    op.create_index("ix_orders_due_ms", "orders", ["due_ms"])
    op.create_table(
        "checkpoints",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_checkpoints"),
    )


def _make_hooks() -> None:
    op.create_table(
        "hooks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
    )
    op.create_table(
        "deliveries",
        sa.Column("hook", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("problem", sa.Text),
        sa.PrimaryKeyConstraint("hook", "seq", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["hook"], ["hooks.id"], name="fk_deliveries_hook_hooks"),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state", "next_ms"])


def _begin(log: sa.Table) -> None:
    connection = op.get_bind()
    editions = connection.scalars(sa.text("SELECT number FROM editions ORDER BY number")).all()
    for seq, number in enumerate(editions, 1):
        row = ("edition", str(number), json.dumps({"number": number}))
        names = ("seq", "kind", "key", "body", "checksum")
        values = (seq, *row, row_checksum(seq, *row))
        connection.execute(sa.insert(log), dict(zip(names, values, strict=True)))
