"""The first schema.

The documents (json) are what is stored, text for text as the embedded store has it. The columns beside them are found
out from them at every write, and are there to be searched for.
"""

from alembic import op

revision = "0001"
down_revision = None

SQL = """
-- One source of epochs for all leases: none is ever used twice.
CREATE SEQUENCE epochs;

CREATE TABLE chats (
    id bigint PRIMARY KEY,
    chat json NOT NULL,
    link json,
    known json NOT NULL,
    alerts json NOT NULL,
    silences json NOT NULL,
    sent json NOT NULL,

    account text,
    key_id text, -- which key sealed the token
    fleeting_until timestamptz, -- from then on nothing is left that is worth keeping

    -- When the check can be claimed: it is due, or the lease on it ends. Null: there is none, or the chat rests.
    check_due timestamptz,
    check_epoch bigint,
    check_until timestamptz,

    -- The same for the next message. Among those that are due, the oldest comes first.
    message_due timestamptz,
    message_since timestamptz,
    message_epoch bigint,
    message_until timestamptz,

    waiting integer NOT NULL,
    set_aside integer NOT NULL
);

CREATE INDEX chats_account ON chats (account) WHERE account IS NOT NULL;
CREATE INDEX chats_key_id ON chats (key_id) WHERE key_id IS NOT NULL;
CREATE INDEX chats_fleeting ON chats (fleeting_until) WHERE fleeting_until IS NOT NULL;
CREATE INDEX chats_check_due ON chats (check_due, id) WHERE check_due IS NOT NULL;
CREATE INDEX chats_message_due ON chats (message_due, message_since, id) WHERE message_due IS NOT NULL;
CREATE UNIQUE INDEX chats_message_epoch ON chats (message_epoch) WHERE message_epoch IS NOT NULL;
CREATE INDEX chats_with_alerts ON chats (id) WHERE waiting > 0 OR set_aside > 0;

CREATE TABLE payments (
    number bigint GENERATED ALWAYS AS IDENTITY,
    id text PRIMARY KEY,
    payment json NOT NULL,
    account text NOT NULL,
    chat_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    state text NOT NULL,
    unsettled boolean NOT NULL
);

CREATE INDEX payments_account ON payments (account, number);
CREATE INDEX payments_chat ON payments (chat_id);
CREATE INDEX payments_unsettled ON payments (number) WHERE unsettled;

-- Whatever else may go wrong: an invoice is never paid by two at once.
CREATE UNIQUE INDEX payments_under_way ON payments (account, invoice_id) WHERE state IN ('confirmed', 'sent');

-- What lies on the desk for minutes: invitations and selections.
CREATE TABLE papers (
    kind text NOT NULL,
    id text NOT NULL,
    paper json NOT NULL,
    chat_id bigint NOT NULL,
    user_id bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX papers_chat ON papers (chat_id);
CREATE INDEX papers_expired ON papers (expires_at);

CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until timestamptz NOT NULL
);

-- When each budget is full again.
CREATE TABLE budgets (
    name text PRIMARY KEY,
    full_at timestamptz NOT NULL
);

CREATE INDEX budgets_full ON budgets (full_at);

-- The processes that run on this database, by the database's own clock.
CREATE TABLE replicas (
    id text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

-- One row. The secret behind the account fingerprints, sealed; and whether a move is under way.
CREATE TABLE store (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    fingerprint_secret text,
    moving boolean NOT NULL DEFAULT false
);

INSERT INTO store DEFAULT VALUES;
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL)
