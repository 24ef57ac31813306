"""Blobs in the database: large immutable bytes in chunks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "blobs",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_blobs"),
    )
    op.create_table(
        "blob_chunks",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("key", "place", name="pk_blob_chunks"),
        sa.ForeignKeyConstraint(["key"], ["blobs.key"], name="fk_blob_chunks_key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Most blobs are packed already: PostgreSQL need not try to make them smaller.
        op.execute("ALTER TABLE blob_chunks ALTER COLUMN data SET STORAGE EXTERNAL")
