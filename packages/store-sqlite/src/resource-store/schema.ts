import { NEVER } from './keys.ts'

/** Rows of `segment` sum up this many keys each. */
export const SEGMENT_KEYS = 4096

/**
 * Numbered migrations. `body` is last in its row, so that the columns before it are read without
 * touching the pages that a large body overflows to.
 */
export const RESOURCE_MIGRATIONS: readonly string[] = [
  `
  -- The store's clock: see write-clock.ts.
  CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_sequence INTEGER NOT NULL,
    last_written_at INTEGER NOT NULL,
    watermark INTEGER NOT NULL
  );
  INSERT INTO clock VALUES (1, 0, 0, 0);

  -- One row a write transaction: every sequence up to last_sequence was written by written_at.
  CREATE TABLE write_log (
    last_sequence INTEGER PRIMARY KEY,
    written_at INTEGER NOT NULL
  );
  CREATE INDEX write_log_by_time ON write_log (written_at, last_sequence);

  -- Everything with a type and an id that was ever written or referred to.
  CREATE TABLE node (
    node INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    id TEXT NOT NULL,
    current_key INTEGER,
    UNIQUE (type, id)
  );

  -- bytes = 0 marks a tombstone. patient: NULL outside every patient's compartment, a node inside
  -- one, -1 inside several, which shared_compartment then names. stated_key: set where a version is
  -- there again only because it came into other compartments; the key that it was written with.
  CREATE TABLE version (
    key INTEGER PRIMARY KEY,
    node INTEGER NOT NULL,
    version INTEGER NOT NULL,
    superseded_seq INTEGER NOT NULL,
    patient INTEGER,
    bytes INTEGER NOT NULL,
    stated_key INTEGER,
    body BLOB
  );
  CREATE INDEX version_history ON version (node, superseded_seq) WHERE superseded_seq < ${NEVER};
  CREATE INDEX version_superseded ON version (superseded_seq) WHERE superseded_seq < ${NEVER};
  CREATE INDEX version_tombstone ON version (key) WHERE bytes = 0;

  CREATE TABLE compartment (
    patient INTEGER NOT NULL,
    type INTEGER NOT NULL,
    key INTEGER NOT NULL,
    PRIMARY KEY (patient, type, key)
  ) WITHOUT ROWID;
  CREATE TABLE shared_compartment (
    key INTEGER NOT NULL,
    patient INTEGER NOT NULL,
    PRIMARY KEY (key, patient)
  ) WITHOUT ROWID;

  -- From from_seq until to_seq there was a Patient with this number.
  CREATE TABLE patient_presence (
    node INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    PRIMARY KEY (node, from_seq)
  ) WITHOUT ROWID;
  CREATE INDEX patient_presence_by_start ON patient_presence (from_seq);

  -- From from_seq until to_seq, uses versions of the owner (a patient's compartment, or a resource
  -- outside every compartment) refer to the target, which is of a supporting type.
  CREATE TABLE support_link (
    owner INTEGER NOT NULL,
    target INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    PRIMARY KEY (owner, target, from_seq)
  ) WITHOUT ROWID;

  CREATE TABLE provenance_target (
    target INTEGER NOT NULL,
    provenance INTEGER NOT NULL,
    PRIMARY KEY (target, provenance)
  ) WITHOUT ROWID;

  -- starts_at inclusive, ends_at exclusive, epoch milliseconds.
  CREATE TABLE group_member (
    roster INTEGER NOT NULL,
    member INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    inactive INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    PRIMARY KEY (roster, member, from_seq, inactive, starts_at, ends_at)
  ) WITHOUT ROWID;

  -- What is stored, by ranges of keys: plans cut work by it without reading a version.
  CREATE TABLE segment (
    segment INTEGER PRIMARY KEY,
    versions INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  );

  -- Search terms of the current versions of Patient and Group.
  CREATE TABLE search_identifier (
    node INTEGER NOT NULL,
    type INTEGER NOT NULL,
    value TEXT NOT NULL,
    system TEXT NOT NULL
  );
  CREATE INDEX search_identifier_by_value ON search_identifier (type, value, system);
  CREATE INDEX search_identifier_by_system ON search_identifier (type, system);
  CREATE INDEX search_identifier_by_node ON search_identifier (node);
  CREATE TABLE search_name (
    node INTEGER NOT NULL,
    type INTEGER NOT NULL,
    term TEXT NOT NULL
  );
  CREATE INDEX search_name_by_term ON search_name (type, term);
  CREATE INDEX search_name_by_node ON search_name (node);
  `,
  `
  -- From from_seq until to_seq a Group had these member filters: a JSON array of [type, query].
  -- everybody = 1: they select from all patients, because the Group names no members.
  CREATE TABLE member_filter (
    roster INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    everybody INTEGER NOT NULL,
    filters TEXT NOT NULL,
    PRIMARY KEY (roster, from_seq)
  ) WITHOUT ROWID;

  -- What member filters came to as of a sequence and an instant; made by plans, read by every worker.
  -- Nothing depends on it: whoever does not find it works it out to the same. nodes: JSON array.
  CREATE TABLE cohort_evaluation (
    evaluation INTEGER PRIMARY KEY,
    roster INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    UNIQUE (roster, as_of, at_ms)
  );
  CREATE TABLE cohort_part (
    evaluation INTEGER NOT NULL,
    part INTEGER NOT NULL,
    nodes TEXT NOT NULL,
    PRIMARY KEY (evaluation, part)
  ) WITHOUT ROWID;

  -- The client that created a Group, and may use it therefore.
  CREATE TABLE group_owner (
    node INTEGER PRIMARY KEY,
    client TEXT NOT NULL
  );
  CREATE INDEX group_owner_by_client ON group_owner (client, node);

  -- Versions of Groups whose members are too many for one body. The body of such a version has an
  -- empty "member"; its elements stand in roster_text, in pieces, as they were written. sha256 is
  -- that of all pieces with the commas between them, NULL after a change of single members.
  CREATE TABLE split_roster (
    key INTEGER PRIMARY KEY,
    sha256 TEXT
  );
  -- From from_seq until to_seq the piece was the roster's, at this place among the others.
  CREATE TABLE roster_piece (
    roster INTEGER NOT NULL,
    place INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    to_seq INTEGER NOT NULL,
    text INTEGER NOT NULL,
    PRIMARY KEY (roster, place, from_seq)
  ) WITHOUT ROWID;
  CREATE INDEX roster_piece_ended ON roster_piece (to_seq) WHERE to_seq < ${NEVER};
  CREATE TABLE roster_text (
    text INTEGER PRIMARY KEY,
    body BLOB NOT NULL
  );
  -- In which pieces of the current roster a member stands.
  CREATE TABLE roster_place (
    roster INTEGER NOT NULL,
    member INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (roster, member, place)
  ) WITHOUT ROWID;
  `,
]
