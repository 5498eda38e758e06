/** `ACCESS_MIGRATIONS[n]` leads from schema version n to n + 1; released ones never change. */
export const ACCESS_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE client (
    -- Rising in the order in which clients were added.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    client_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    keys TEXT NOT NULL,
    scopes TEXT NOT NULL,
    groups TEXT NOT NULL,
    quotas TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER
  ) STRICT;

  CREATE TABLE access_token (
    hash TEXT PRIMARY KEY,
    client_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX access_token_client ON access_token (client_id);
  CREATE INDEX access_token_expires ON access_token (expires_at_ms);

  CREATE TABLE assertion_use (
    issuer TEXT NOT NULL,
    jti TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    PRIMARY KEY (issuer, jti)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX assertion_use_expires ON assertion_use (expires_at_ms);
  `,
]
