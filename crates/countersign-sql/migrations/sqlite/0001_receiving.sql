-- Times are microseconds since 1970. Text is compared byte by byte.

-- One row for each event that is claimed or done.
CREATE TABLE countersign_claims (
    key        TEXT    NOT NULL PRIMARY KEY,
    fence      INTEGER NOT NULL,
    status     INTEGER,            -- how it was answered; null while it is claimed
    claimed_at INTEGER NOT NULL,   -- when the lease began
    expires_at INTEGER NOT NULL    -- when the lease ends; once done, the time to live
) STRICT, WITHOUT ROWID;

CREATE INDEX countersign_claims_by_expiry ON countersign_claims (expires_at);

-- One row for each event that was accepted.
CREATE TABLE countersign_inbox (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL UNIQUE,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'leased', 'done', 'dead')),
    due_at      INTEGER NOT NULL,    -- from when a worker may take it; while it is leased, when the lease ends
    fence       INTEGER,             -- of the lease; null while it is not leased
    attempts    INTEGER NOT NULL,
    reason      TEXT,                -- why the last attempt failed
    lane        INTEGER,             -- rows of one lane are handled one after the other; null where that does not matter
    accepted_at INTEGER NOT NULL,
    settled_at  INTEGER,             -- when it was done or given up
    source      TEXT    NOT NULL,
    tenant      TEXT,
    event_id    TEXT,
    event_type  TEXT,
    ordering    TEXT,
    data_at     TEXT    NOT NULL,
    headers     TEXT    NOT NULL DEFAULT '[]',    -- those that are kept, as JSON; emptied once done, like the body
    body        BLOB    NOT NULL
) STRICT;

CREATE INDEX countersign_inbox_due ON countersign_inbox (due_at, id)
    WHERE state IN ('pending', 'leased') AND lane IS NULL;
CREATE INDEX countersign_inbox_lane_due ON countersign_inbox (due_at, id)
    WHERE state IN ('pending', 'leased') AND lane IS NOT NULL;
CREATE INDEX countersign_inbox_lane ON countersign_inbox (lane, id)
    WHERE state IN ('pending', 'leased') AND lane IS NOT NULL;
CREATE INDEX countersign_inbox_leased ON countersign_inbox (lane) WHERE state = 'leased';
CREATE INDEX countersign_inbox_done ON countersign_inbox (settled_at) WHERE state = 'done';
CREATE INDEX countersign_inbox_dead ON countersign_inbox (id) WHERE state = 'dead';
