"""Run revisions on the connection that `library.schema.migrate` hands over."""

from alembic import context

from library.models import Base
from library.schema import keep_oldest_code

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
    keep_oldest_code(connection)
