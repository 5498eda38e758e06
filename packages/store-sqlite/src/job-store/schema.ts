/** `JOB_MIGRATIONS[n]` leads from schema version n to n + 1; released ones never change. */
export const JOB_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE job (
    -- Rising in the order of insertion, which is the order of unfinished jobs.
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    client_id TEXT,
    level TEXT NOT NULL,
    request_url TEXT NOT NULL,
    query TEXT NOT NULL,
    reply TEXT NOT NULL,
    transaction_time_ms INTEGER NOT NULL,
    snapshot_position TEXT NOT NULL,
    ignored_parameters TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'complete', 'failed')),
    completed_at_ms INTEGER,
    expires_at_ms INTEGER,
    issue TEXT
  ) STRICT;
  CREATE INDEX job_unfinished ON job (number) WHERE state IN ('accepted', 'running');
  CREATE INDEX job_expires ON job (expires_at_ms) WHERE expires_at_ms IS NOT NULL;

  CREATE TABLE partition (
    job_id TEXT NOT NULL REFERENCES job (job_id) ON DELETE CASCADE,
    partition_index INTEGER NOT NULL,
    partition TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    committed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, partition_index)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE output_file (
    job_id TEXT NOT NULL,
    partition_index INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    file_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    type TEXT NOT NULL,
    resource_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    stored_encoding TEXT NOT NULL,
    stored_bytes INTEGER NOT NULL,
    stored_sha256 TEXT NOT NULL,
    continues_in_file_id TEXT,
    -- Rising in the order of commits, from 1 for the first file of the job.
    committed_as INTEGER NOT NULL,
    PRIMARY KEY (job_id, partition_index, ordinal),
    UNIQUE (job_id, file_id),
    UNIQUE (job_id, committed_as),
    FOREIGN KEY (job_id, partition_index)
      REFERENCES partition (job_id, partition_index) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  `,
]
