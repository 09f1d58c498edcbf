"""When each wait was set, so that a clock that was wrong is noticed once it is right."""

from alembic import op

revision = "0002"
down_revision = "0001"

SQL = """
-- When check_due and check_until were set. In the future: by a clock that was ahead.
ALTER TABLE chats ADD COLUMN check_set_at timestamptz;
-- The same for message_due and message_until.
ALTER TABLE chats ADD COLUMN message_set_at timestamptz;

-- When the present lease was taken, by the database's own clock.
ALTER TABLE chats ADD COLUMN check_leased_at timestamptz;
ALTER TABLE chats ADD COLUMN message_leased_at timestamptz;

CREATE INDEX chats_check_set_at ON chats (check_set_at) WHERE check_set_at IS NOT NULL;
CREATE INDEX chats_message_set_at ON chats (message_set_at) WHERE message_set_at IS NOT NULL;

-- Nobody knows when the present waits were set: not before their longest lengths. A message without a wait is due since
-- the year 1.
UPDATE chats SET check_set_at = check_due - interval '8 days';
UPDATE chats SET message_set_at = message_due - interval '2 days' WHERE message_due > '2000-01-01';
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL)
