"""Runs the steps on the connection that `gridmap.store.migrate` hands over, inside its transaction.

No ini file and no logging set-up: whoever embeds gridmap keeps the logging that he has.
"""

from alembic import context

from gridmap.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a column: later steps copy the table instead.
    render_as_batch=True,
)
context.run_migrations()
