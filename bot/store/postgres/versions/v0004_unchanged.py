"""What a chat's last check saw, and the times that most checks change alone. Both are short-lived."""

from alembic import op

revision = "0004"
down_revision = "0003"

SQL = """
ALTER TABLE chats ADD COLUMN check_times json, ADD COLUMN unchanged json;

-- A process of an older version may change a chat, and knows of neither column. What it leaves in them is void.
CREATE FUNCTION forget_what_was_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.unchanged::text = old.unchanged::text THEN
        new.unchanged := NULL;
    END IF;
    IF new.check_times::text = old.check_times::text AND new.link::text IS DISTINCT FROM old.link::text THEN
        new.check_times := NULL;
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER forget_what_was_seen BEFORE UPDATE OF chat, link, known, alerts, silences, sent ON chats FOR EACH ROW
    WHEN (old.unchanged IS NOT NULL OR old.check_times IS NOT NULL) EXECUTE FUNCTION forget_what_was_seen();
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL)
