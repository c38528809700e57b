-- Times are microseconds since 1970, latencies microseconds. Lists are JSON.

-- Where messages go, and how that is faring.
CREATE TABLE countersign_endpoints (
    id            TEXT    NOT NULL PRIMARY KEY,
    tenant        TEXT,
    name          TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('enabled', 'operator', 'gone', 'failing')),  -- or why it is disabled
    events        TEXT    NOT NULL,    -- the patterns
    channels      TEXT    NOT NULL,
    in_flight     INTEGER NOT NULL,    -- how many requests may be under way
    settings      TEXT    NOT NULL,    -- scheme, keys, headers and the rest
    failing_since INTEGER,             -- the first failure since the last success
    failures      INTEGER NOT NULL,    -- in a row
    warned_at     INTEGER,
    succeeded_at  INTEGER,
    attempted_at  INTEGER,
    open_until    INTEGER,             -- nothing is sent before
    created_at    INTEGER NOT NULL,
    revision      INTEGER NOT NULL     -- raised by every change but that of health
) STRICT, WITHOUT ROWID;

CREATE INDEX countersign_endpoints_by_tenant ON countersign_endpoints (tenant, id);

-- What is to be delivered.
CREATE TABLE countersign_messages (
    seq             INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    tenant          TEXT,
    kind            TEXT    NOT NULL,
    content_type    TEXT    NOT NULL,
    payload         BLOB    NOT NULL,
    is_reference    INTEGER NOT NULL,    -- whether the payload is made of this text when it is delivered
    idempotency_key TEXT,
    traceparent     TEXT,
    created_at      INTEGER NOT NULL
) STRICT;

-- No tenant is a tenant of its own here.
CREATE UNIQUE INDEX countersign_messages_by_key
    ON countersign_messages (idempotency_key, coalesce(tenant, ''), (tenant IS NULL)) WHERE idempotency_key IS NOT NULL;
CREATE INDEX countersign_messages_by_time ON countersign_messages (created_at);
CREATE INDEX countersign_messages_by_kind ON countersign_messages (kind, seq);
CREATE INDEX countersign_messages_by_tenant ON countersign_messages (tenant, seq) WHERE tenant IS NOT NULL;

-- One message on its way to one endpoint.
CREATE TABLE countersign_deliveries (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    message_id  TEXT    NOT NULL,
    endpoint_id TEXT    NOT NULL,
    tenant      TEXT,
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'delivered', 'dead', 'cancelled')),
    due_at      INTEGER,             -- from when it may be taken; while it is leased, when the lease ends; null once settled
    fence       INTEGER,             -- of the lease; null while it is not leased
    attempts    INTEGER NOT NULL,
    step        INTEGER NOT NULL,    -- attempts of the schedule, which a redelivery begins anew
    asked_for   INTEGER NOT NULL,    -- whether the next attempt is one that somebody has asked for
    last_at     INTEGER,             -- this and what follows: of the last attempt
    last_latency INTEGER,
    last_status INTEGER,
    last_error  TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

-- With the state, or each row would be looked at for it.
CREATE INDEX countersign_deliveries_due ON countersign_deliveries (endpoint_id, due_at, id, state)
    WHERE state IN ('pending', 'leased');
CREATE INDEX countersign_deliveries_leased ON countersign_deliveries (endpoint_id, due_at) WHERE state = 'leased';
CREATE INDEX countersign_deliveries_dead ON countersign_deliveries (id) WHERE state = 'dead';
CREATE INDEX countersign_deliveries_cancelled ON countersign_deliveries (id) WHERE state = 'cancelled';
CREATE INDEX countersign_deliveries_by_message ON countersign_deliveries (message_id);
CREATE INDEX countersign_deliveries_by_kind ON countersign_deliveries (kind, id);
CREATE INDEX countersign_deliveries_by_endpoint ON countersign_deliveries (endpoint_id, id);
CREATE INDEX countersign_deliveries_by_tenant ON countersign_deliveries (tenant, id) WHERE tenant IS NOT NULL;

-- What was sent, and what was answered.
CREATE TABLE countersign_attempts (
    delivery_id      INTEGER NOT NULL,
    number           INTEGER NOT NULL,    -- from 1
    endpoint_id      TEXT    NOT NULL,
    at               INTEGER NOT NULL,
    asked_for        INTEGER NOT NULL,
    latency          INTEGER NOT NULL,
    request_headers  TEXT    NOT NULL,
    payload_digest   BLOB,                -- SHA-256
    payload          BLOB,                -- null where it is the message's own
    status           INTEGER,
    response_headers TEXT    NOT NULL,
    response_body    BLOB    NOT NULL,
    error            TEXT                 -- null where it succeeded
) STRICT;

CREATE UNIQUE INDEX countersign_attempts_by_delivery ON countersign_attempts (delivery_id, number);
CREATE INDEX countersign_attempts_by_time ON countersign_attempts (at, endpoint_id, (error IS NULL));
