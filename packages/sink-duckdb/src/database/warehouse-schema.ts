/** Form of the bookkeeping that this release writes. */
export const WAREHOUSE_FORMAT = 1

/**
 * What brings the bookkeeping from one form to the next: the first list makes form 1 of an empty
 * database. Instants are TIMESTAMPTZ; `source`, `cohort` and `run` mean the same everywhere.
 */
export const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE SCHEMA IF NOT EXISTS sync`,
    `CREATE TABLE sync.warehouse (
       format INTEGER NOT NULL,           -- form of this bookkeeping
       created_at TIMESTAMPTZ NOT NULL,   -- when the database was made
       views VARCHAR                      -- digest of the columns and views; NULL before they are made
     )`,
    `CREATE TABLE sync.publications (
       directory VARCHAR NOT NULL,        -- of a dataset that follows the database
       type VARCHAR NOT NULL,
       changes BIGINT NOT NULL            -- sync.tables.changes of the type when it was published
     )`,
    `CREATE TABLE sync.tables (
       type VARCHAR NOT NULL,             -- resource type
       table_name VARCHAR NOT NULL,       -- its table in schema main
       changes BIGINT NOT NULL,           -- how many commits changed the table
       changed_by VARCHAR NOT NULL        -- run of the last of them
     )`,
    `CREATE TABLE sync.runs (
       position BIGINT NOT NULL,          -- grows with every run that is noted
       run VARCHAR NOT NULL,              -- id of the run
       source VARCHAR NOT NULL,           -- FHIR base URL
       cohort VARCHAR NOT NULL,           -- system, patient, or group/ and the id of the Group
       kind VARCHAR NOT NULL,             -- full, incremental, load
       result VARCHAR NOT NULL,           -- committed, stopped
       started_at TIMESTAMPTZ,
       finished_at TIMESTAMPTZ,
       transaction_time TIMESTAMPTZ,      -- the source's time up to which data was landed
       report VARCHAR NOT NULL            -- the whole report, as JSON
     )`,
    `CREATE TABLE sync.files (
       run VARCHAR NOT NULL,
       part VARCHAR NOT NULL,             -- all, changes, history, deletions, roster
       type VARCHAR NOT NULL,             -- resource type of the lines, * for several
       name VARCHAR NOT NULL,             -- name of the file, without its folder
       bytes BIGINT NOT NULL,             -- size on the disk
       resources BIGINT,                  -- lines, as far as they were counted
       sha256 VARCHAR                     -- of the NDJSON, as far as it is known
     )`,
    `CREATE TABLE sync.watermarks (
       source VARCHAR NOT NULL,
       cohort VARCHAR NOT NULL,
       type VARCHAR NOT NULL,             -- resource type, * where the export named none
       filter VARCHAR NOT NULL,           -- _typeFilter of the type, empty without one
       transaction_time TIMESTAMPTZ NOT NULL, -- up to when the type is landed, by the source's clock
       previous_transaction_time TIMESTAMPTZ, -- the one before
       run VARCHAR NOT NULL               -- run that moved it
     )`,
    `CREATE TABLE sync.cohorts (
       source VARCHAR NOT NULL,
       cohort VARCHAR NOT NULL,
       roster_at TIMESTAMPTZ,             -- transactionTime of the roster; NULL where there is none
       last_full_at TIMESTAMPTZ,          -- transactionTime of the last run that compared everything
       last_run VARCHAR NOT NULL          -- run of the last commit
     )`,
    `CREATE TABLE sync.rosters (
       source VARCHAR NOT NULL,
       cohort VARCHAR NOT NULL,
       patient VARCHAR NOT NULL,          -- id of a member
       joined_at TIMESTAMPTZ NOT NULL,    -- transactionTime of the first roster that had it
       left_at TIMESTAMPTZ,               -- of the first one after that had it no more; NULL: a member
       joined_run VARCHAR NOT NULL,
       left_run VARCHAR
     )`,
    `CREATE TABLE sync.row_counts (
       source VARCHAR NOT NULL,
       cohort VARCHAR NOT NULL,
       type VARCHAR NOT NULL,
       row_count BIGINT NOT NULL          -- rows that the cohort holds
     )`,
    `CREATE TABLE sync.drift (
       run VARCHAR NOT NULL,
       type VARCHAR NOT NULL,
       missing BIGINT NOT NULL,           -- should have been landed, and were not
       outdated BIGINT NOT NULL,          -- should have been a later version
       extra BIGINT NOT NULL              -- should have been gone
     )`,
    `CREATE TABLE sync.merges (
       source VARCHAR NOT NULL,
       patient VARCHAR NOT NULL,          -- id of the patient who was replaced
       replaced_by VARCHAR NOT NULL,      -- id of the one who replaced them
       stated_by VARCHAR NOT NULL         -- id of the Patient whose link says so
     )`,
    `CREATE TABLE sync.deletions (
       run VARCHAR NOT NULL,
       source VARCHAR NOT NULL,
       cohort VARCHAR NOT NULL,           -- cohort that lost the resource
       type VARCHAR NOT NULL,
       id VARCHAR NOT NULL,
       reason VARCHAR NOT NULL,           -- told, computed, left
       is_removed BOOLEAN NOT NULL,       -- whether no other cohort held it
       deleted_at TIMESTAMPTZ NOT NULL    -- when the run began
     )`,
  ],
]
