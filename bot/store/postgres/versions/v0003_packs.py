"""When the next pack of a chat is due. The packs themselves stand in the link."""

from alembic import op

revision = "0003"
down_revision = "0002"

SQL = """
ALTER TABLE chats ADD COLUMN pack_due timestamptz;
CREATE INDEX chats_pack_due ON chats (pack_due) WHERE pack_due IS NOT NULL;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL)
