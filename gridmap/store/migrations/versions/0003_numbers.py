"""Numbers for ever: devices that are here already get theirs, in the order of their codes."""

import itertools

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and fill it."""
    table = op.create_table(
        "numbers",
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("sort", "code", name="pk_numbers"),
        sa.UniqueConstraint("sort", "id", name="uq_numbers_sort"),
    )
    connection = op.get_bind()
    # Sorted here: a database sorts text by the customs of its country.
    codes = sorted(connection.scalars(sa.text("SELECT code FROM devices")))
    rows = ({"sort": "device", "code": code, "id": number} for number, code in enumerate(codes, start=1))
    while batch := list(itertools.islice(rows, 20_000)):
        connection.execute(sa.insert(table), batch)
