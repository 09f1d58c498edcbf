"""What a chat's last check saw, and the times that most checks change alone. Both are short-lived."""

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = """
ALTER TABLE chats ADD COLUMN check_times json, ADD COLUMN unchanged json;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL)
