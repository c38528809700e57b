-- Times are microseconds since 1970. Text is compared byte by byte.

-- The time: the database's own, unless one is given.
CREATE FUNCTION countersign_now(given BIGINT) RETURNS BIGINT
LANGUAGE sql VOLATILE AS $$
    SELECT coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
$$;

-- One row for each event that is claimed or done.
CREATE TABLE countersign_claims (
    key        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    fence      BIGINT  NOT NULL,
    status     INTEGER,            -- how it was answered; null while it is claimed
    claimed_at BIGINT  NOT NULL,   -- when the lease began
    expires_at BIGINT  NOT NULL    -- when the lease ends; once done, the time to live
);

CREATE INDEX countersign_claims_by_expiry ON countersign_claims (expires_at);

-- One row for each event that was accepted.
CREATE TABLE countersign_inbox (
    id          BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key         TEXT COLLATE "C" NOT NULL UNIQUE,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'dead')),
    due_at      BIGINT  NOT NULL,    -- from when a worker may take it; while it is leased, when the lease ends
    fence       BIGINT,              -- of the lease; null while it is not leased
    attempts    BIGINT  NOT NULL,
    reason      TEXT,                -- why the last attempt failed
    lane        BIGINT,              -- rows of one lane are handled one after the other; null where that does not matter
    accepted_at BIGINT  NOT NULL,
    settled_at  BIGINT,              -- when it was done or given up
    source      TEXT    NOT NULL,
    tenant      TEXT,
    event_id    TEXT,
    event_type  TEXT,
    ordering    TEXT,
    data_at     TEXT    NOT NULL,
    headers     TEXT    NOT NULL DEFAULT '[]',    -- those that are kept, as JSON; emptied once done, like the body
    body        BYTEA   NOT NULL
);

CREATE INDEX countersign_inbox_due ON countersign_inbox (due_at, id)
    WHERE state IN ('pending', 'leased') AND lane IS NULL;
CREATE INDEX countersign_inbox_lane_due ON countersign_inbox (due_at, id)
    WHERE state IN ('pending', 'leased') AND lane IS NOT NULL;
CREATE INDEX countersign_inbox_lane ON countersign_inbox (lane, id)
    WHERE state IN ('pending', 'leased') AND lane IS NOT NULL;
CREATE INDEX countersign_inbox_leased ON countersign_inbox (lane) WHERE state = 'leased';
CREATE INDEX countersign_inbox_done ON countersign_inbox (settled_at) WHERE state = 'done';
CREATE INDEX countersign_inbox_dead ON countersign_inbox (id) WHERE state = 'dead';

-- Leases the rows that are due, the longest due first, and returns their ids in that order.
--
-- Two leases at once could each see a row of one lane free: an accepted row can become visible, or a
-- dead one be put back, before a row of its lane that is being leased at this moment. So there is one
-- lease at a time, and each statement below sees what the lease before it has committed. It is one
-- function, in one round trip, so that no client can stand still while it holds the lock.
--
-- Of the rows that have a lane only the first of each can be leased. As a rule there are enough of them among the longest
-- due. Where there aren't, as behind many rows of one lane, the first of each lane is looked for: that costs the number of
-- the lanes, and not that of their rows.
--
-- Each statement reads an index in its order, and stops. Where the tables' statistics are not up to date, another plan would
-- read all that is due, and sort it.
CREATE FUNCTION countersign_inbox_lease(given_now BIGINT, most BIGINT, span BIGINT, new_fence BIGINT)
RETURNS SETOF BIGINT
LANGUAGE plpgsql
SET enable_bitmapscan = off
SET enable_seqscan = off
AS $$
DECLARE
    present BIGINT;
    looked_at BIGINT := greatest(256, 4 * most);
    free BIGINT[];
    first BIGINT[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'leasing needs the isolation level READ COMMITTED' USING ERRCODE = '0A000';
    END IF;
    PERFORM pg_advisory_xact_lock(1668508013, 'countersign_inbox'::regclass::oid::bigint::bit(32)::integer);
    present := countersign_now(given_now);
    free := ARRAY(
        SELECT inbox.id FROM countersign_inbox AS inbox
        WHERE inbox.state IN ('pending', 'leased') AND inbox.lane IS NULL AND inbox.due_at <= present
        ORDER BY inbox.due_at, inbox.id
        LIMIT most);
    first := ARRAY(
        SELECT oldest.id
        FROM (
            SELECT inbox.id, inbox.due_at, inbox.lane FROM countersign_inbox AS inbox
            WHERE inbox.state IN ('pending', 'leased') AND inbox.lane IS NOT NULL AND inbox.due_at <= present
            ORDER BY inbox.due_at, inbox.id
            LIMIT looked_at) AS oldest
        WHERE oldest.id = (
              SELECT head.id FROM countersign_inbox AS head
              WHERE head.state IN ('pending', 'leased') AND head.lane >= oldest.lane
              ORDER BY head.lane, head.id
              LIMIT 1)
          AND NOT EXISTS (
              SELECT FROM countersign_inbox AS other
              WHERE other.lane = oldest.lane AND other.state = 'leased' AND other.due_at > present OFFSET 0)
        ORDER BY oldest.due_at, oldest.id
        LIMIT most);
    IF cardinality(first) < most AND looked_at = (
        SELECT count(*)
        FROM (
            SELECT FROM countersign_inbox AS inbox
            WHERE inbox.state IN ('pending', 'leased') AND inbox.lane IS NOT NULL AND inbox.due_at <= present
            ORDER BY inbox.due_at, inbox.id
            LIMIT looked_at) AS oldest)
    THEN
        first := ARRAY(
            WITH RECURSIVE heads AS (
                (SELECT inbox.lane, inbox.id, inbox.due_at FROM countersign_inbox AS inbox
                 WHERE inbox.state IN ('pending', 'leased') AND inbox.lane IS NOT NULL
                 ORDER BY inbox.lane, inbox.id
                 LIMIT 1)
                UNION ALL
                SELECT next.lane, next.id, next.due_at
                FROM heads CROSS JOIN LATERAL (
                    SELECT inbox.lane, inbox.id, inbox.due_at FROM countersign_inbox AS inbox
                    WHERE inbox.state IN ('pending', 'leased') AND inbox.lane > heads.lane
                    ORDER BY inbox.lane, inbox.id
                    LIMIT 1) AS next)
            SELECT heads.id FROM heads
            WHERE heads.due_at <= present AND NOT EXISTS (
                SELECT FROM countersign_inbox AS other
                WHERE other.lane = heads.lane AND other.state = 'leased' AND other.due_at > present OFFSET 0)
            ORDER BY heads.due_at, heads.id
            LIMIT most);
    END IF;
    RETURN QUERY
    WITH due AS (
        SELECT inbox.id, inbox.due_at
        FROM countersign_inbox AS inbox
        -- Once more, for a row that has changed since: a late worker may settle it at this moment.
        WHERE inbox.id = ANY (free || first) AND inbox.state IN ('pending', 'leased') AND inbox.due_at <= present
        ORDER BY inbox.due_at, inbox.id
        LIMIT most
        FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE countersign_inbox AS inbox
        SET state = 'leased', due_at = present + span, fence = new_fence, attempts = inbox.attempts + 1
        FROM due
        WHERE inbox.id = due.id
        RETURNING inbox.id, due.due_at
    )
    SELECT taken.id FROM taken ORDER BY taken.due_at, taken.id;
END
$$;
