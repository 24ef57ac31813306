"""The first tables: editions, features, areas, column sets, devices, staff posts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Written out, not imported: a step must make the same tables for ever, whatever the schema becomes.
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _make_editions()
    _make_areas()
    _make_things()


def _make_editions() -> None:
    op.create_table(
        "editions",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("base", sa.Integer),
        sa.Column("checksum", sa.Text, nullable=False),
        sa.Column("proven", sa.Boolean, nullable=False),
        sa.Column("proof", sa.JSON, nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_editions"),
        sa.ForeignKeyConstraint(["base"], ["editions.number"], name="fk_editions_base"),
    )


def _make_areas() -> None:
    op.create_table(
        "features",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_features"),
        sa.UniqueConstraint("code", name="uq_features_code"),
    )
    op.create_table(
        "areas",
        sa.Column("feature", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("first_edition", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last_edition", sa.Integer),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent", sa.Text),
        sa.PrimaryKeyConstraint("feature", "first_edition", name="pk_areas"),
        sa.ForeignKeyConstraint(["feature"], ["features.id"], name="fk_areas_feature"),
        sa.ForeignKeyConstraint(["first_edition"], ["editions.number"], name="fk_areas_first_edition"),
        sa.ForeignKeyConstraint(["last_edition"], ["editions.number"], name="fk_areas_last_edition"),
    )
    current = sa.text("last_edition IS NULL")
    op.create_index(
        "ux_areas_current", "areas", ["feature"], unique=True, sqlite_where=current, postgresql_where=current
    )


def _make_things() -> None:
    op.create_table(
        "column_sets",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("blob", sa.String(64), nullable=False),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_column_sets"),
    )
    op.create_index("ix_column_sets_kind", "column_sets", ["kind"])
    op.create_table(
        "devices",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("x", sa.Integer, nullable=False),
        sa.Column("y", sa.Integer, nullable=False),
        sa.Column("building", sa.Text),
        sa.PrimaryKeyConstraint("code", name="pk_devices"),
    )
    op.create_table(
        "staff_posts",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("shift", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_staff_posts"),
    )
    op.create_index("ix_staff_posts_grid", "staff_posts", ["grid"])
