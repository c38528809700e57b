-- The keys of the operator's API. Times are microseconds since 1970.
CREATE TABLE countersign_api_keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    label      TEXT COLLATE "C" NOT NULL UNIQUE,
    digest     BYTEA   NOT NULL UNIQUE,    -- SHA-256 of the key, which is kept nowhere
    scope      TEXT    NOT NULL CHECK (scope IN ('admin', 'app', 'read')),
    tenant     TEXT COLLATE "C",           -- to which it is confined
    created_at BIGINT  NOT NULL,
    expires_at BIGINT,
    CHECK (scope = 'read' OR (scope = 'app') = (tenant IS NOT NULL))
);
