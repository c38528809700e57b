-- Times are microseconds since 1970, latencies microseconds. Lists are JSON.

-- Where messages go, and how that is faring.
CREATE TABLE countersign_endpoints (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant        TEXT COLLATE "C",
    name          TEXT    NOT NULL,
    url           TEXT    NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('enabled', 'operator', 'gone', 'failing')),  -- or why it is disabled
    events        TEXT    NOT NULL,    -- the patterns
    channels      TEXT    NOT NULL,
    in_flight     BIGINT  NOT NULL,    -- how many requests may be under way
    settings      TEXT    NOT NULL,    -- scheme, keys, headers and the rest
    failing_since BIGINT,              -- the first failure since the last success
    failures      BIGINT  NOT NULL,    -- in a row
    warned_at     BIGINT,
    succeeded_at  BIGINT,
    attempted_at  BIGINT,
    open_until    BIGINT,              -- nothing is sent before
    created_at    BIGINT  NOT NULL,
    revision      BIGINT  NOT NULL     -- raised by every change but that of health
);

CREATE INDEX countersign_endpoints_by_tenant ON countersign_endpoints (tenant, id);

-- What is to be delivered.
CREATE TABLE countersign_messages (
    seq             BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    tenant          TEXT COLLATE "C",
    kind            TEXT    NOT NULL,
    content_type    TEXT    NOT NULL,
    payload         BYTEA   NOT NULL,
    is_reference    BIGINT  NOT NULL,    -- whether the payload is made of this text when it is delivered
    idempotency_key TEXT COLLATE "C",
    traceparent     TEXT,
    created_at      BIGINT  NOT NULL
);

-- No tenant is a tenant of its own here.
CREATE UNIQUE INDEX countersign_messages_by_key
    ON countersign_messages (idempotency_key, coalesce(tenant, ''), (tenant IS NULL)) WHERE idempotency_key IS NOT NULL;
CREATE INDEX countersign_messages_by_time ON countersign_messages (created_at, seq);
CREATE INDEX countersign_messages_by_kind ON countersign_messages (kind, seq);
CREATE INDEX countersign_messages_by_tenant ON countersign_messages (tenant, seq) WHERE tenant IS NOT NULL;

-- One message on its way to one endpoint.
CREATE TABLE countersign_deliveries (
    id          BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id  TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    tenant      TEXT COLLATE "C",
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'delivered', 'dead', 'cancelled')),
    due_at      BIGINT,              -- from when it may be taken; while it is leased, when the lease ends; null once settled
    fence       BIGINT,              -- of the lease; null while it is not leased
    attempts    BIGINT  NOT NULL,
    step        BIGINT  NOT NULL,    -- attempts of the schedule, which a redelivery begins anew
    asked_for   BIGINT  NOT NULL,    -- whether the next attempt is one that somebody has asked for
    last_at     BIGINT,              -- this and what follows: of the last attempt
    last_latency BIGINT,
    last_status BIGINT,
    last_error  TEXT,
    created_at  BIGINT  NOT NULL
);

CREATE INDEX countersign_deliveries_due ON countersign_deliveries (endpoint_id, due_at, id)
    WHERE state IN ('pending', 'leased');
CREATE INDEX countersign_deliveries_leased ON countersign_deliveries (endpoint_id, due_at) WHERE state = 'leased';
CREATE INDEX countersign_deliveries_dead ON countersign_deliveries (id) WHERE state = 'dead';
CREATE INDEX countersign_deliveries_cancelled ON countersign_deliveries (id) WHERE state = 'cancelled';
CREATE INDEX countersign_deliveries_by_message ON countersign_deliveries (message_id, id);
CREATE INDEX countersign_deliveries_by_kind ON countersign_deliveries (kind, id);
CREATE INDEX countersign_deliveries_by_endpoint ON countersign_deliveries (endpoint_id, id);
CREATE INDEX countersign_deliveries_by_tenant ON countersign_deliveries (tenant, id) WHERE tenant IS NOT NULL;

-- What was sent, and what was answered.
CREATE TABLE countersign_attempts (
    delivery_id      BIGINT  NOT NULL,
    number           BIGINT  NOT NULL,    -- from 1
    endpoint_id      TEXT COLLATE "C" NOT NULL,
    at               BIGINT  NOT NULL,
    asked_for        BIGINT  NOT NULL,
    latency          BIGINT  NOT NULL,
    request_headers  TEXT    NOT NULL,
    payload_digest   BYTEA,                -- SHA-256
    payload          BYTEA,                -- null where it is the message's own
    status           BIGINT,
    response_headers TEXT    NOT NULL,
    response_body    BYTEA   NOT NULL,
    error            TEXT                 -- null where it succeeded
);

CREATE UNIQUE INDEX countersign_attempts_by_delivery ON countersign_attempts (delivery_id, number);
CREATE INDEX countersign_attempts_by_time ON countersign_attempts (at, endpoint_id, (error IS NULL));

-- Leases the deliveries that are due, fairly, and returns their ids: endpoints take turns, the oldest due
-- of each first, and none is given more places than it has left.
--
-- Places are exact because there is one lease at a time, and each sees what the one before it has
-- committed. It is one function, in one round trip, so that no client can stand still while it holds the
-- lock.
CREATE FUNCTION countersign_outbox_lease(given_now BIGINT, most BIGINT, span BIGINT, new_fence BIGINT, half_open_after BIGINT)
RETURNS SETOF BIGINT
LANGUAGE plpgsql AS $$
DECLARE
    present BIGINT;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'leasing needs the isolation level READ COMMITTED' USING ERRCODE = '0A000';
    END IF;
    PERFORM pg_advisory_xact_lock(1668508013, 'countersign_deliveries'::regclass::oid::bigint::bit(32)::integer);
    present := countersign_now(given_now);
    RETURN QUERY
    WITH free AS MATERIALIZED (
        SELECT endpoint.id, CASE WHEN endpoint.failures >= half_open_after THEN 1 ELSE endpoint.in_flight END - (
            SELECT count(*) FROM countersign_deliveries AS leased
            WHERE leased.endpoint_id = endpoint.id AND leased.state = 'leased' AND leased.due_at > present) AS places
        FROM countersign_endpoints AS endpoint
        WHERE endpoint.state = 'enabled' AND (endpoint.open_until IS NULL OR endpoint.open_until <= present)
          AND EXISTS (
              SELECT FROM countersign_deliveries AS waiting
              WHERE waiting.endpoint_id = endpoint.id AND waiting.state IN ('pending', 'leased')
                AND waiting.due_at <= present)
    ), due AS (
        SELECT waiting.id, waiting.due_at, waiting.turn
        FROM free CROSS JOIN LATERAL (
            SELECT candidate.id, candidate.due_at, row_number() OVER (ORDER BY candidate.due_at, candidate.id) AS turn
            FROM countersign_deliveries AS candidate
            WHERE candidate.endpoint_id = free.id AND candidate.state IN ('pending', 'leased')
              AND candidate.due_at <= present
            ORDER BY candidate.due_at, candidate.id
            -- With more endpoints than places, one turn of each is enough.
            LIMIT CASE WHEN (SELECT count(*) FROM free) >= most THEN least(greatest(free.places, 0), 1)
                ELSE least(greatest(free.places, 0), most) END) AS waiting
        ORDER BY waiting.turn, waiting.due_at, waiting.id
        LIMIT most
    ), picked AS (
        SELECT delivery.id, due.turn, due.due_at
        FROM due JOIN countersign_deliveries AS delivery ON delivery.id = due.id
        -- Once more, for a row that has changed since: a late worker may settle it at this moment.
        WHERE delivery.state IN ('pending', 'leased') AND delivery.due_at <= present
        FOR UPDATE OF delivery SKIP LOCKED
    ), taken AS (
        UPDATE countersign_deliveries AS delivery
        SET state = 'leased', due_at = present + span, fence = new_fence,
            attempts = delivery.attempts + 1, step = delivery.step + 1
        FROM picked
        WHERE delivery.id = picked.id
        RETURNING delivery.id, picked.turn, picked.due_at
    )
    SELECT taken.id FROM taken ORDER BY taken.turn, taken.due_at, taken.id;
END
$$;
