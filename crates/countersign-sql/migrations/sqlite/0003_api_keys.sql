-- The keys of the operator's API. Times are microseconds since 1970.
CREATE TABLE countersign_api_keys (
    id         TEXT    NOT NULL PRIMARY KEY,
    label      TEXT    NOT NULL UNIQUE,
    digest     BLOB    NOT NULL UNIQUE,    -- SHA-256 of the key, which is kept nowhere
    scope      TEXT    NOT NULL CHECK (scope IN ('admin', 'app', 'read')),
    tenant     TEXT,                       -- to which it is confined
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    CHECK (scope = 'read' OR (scope = 'app') = (tenant IS NOT NULL))
) STRICT, WITHOUT ROWID;
