import type { LandingFile } from '@flatfhir/client'
import type { SqlRunner } from '../database/sql.ts'
import { DeletionUnreadableError } from '../errors.ts'
import { readLines } from './staging.ts'

/** Ids wider than FHIR's, as in the protocol package: a deletion must not be lost. */
const URL = String.raw`(?:^|/)([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-._~]{1,255})$`

/** Makes the temporary table of deletions that a run was told of. */
export async function makeDeletions(sql: SqlRunner): Promise<void> {
  await sql.run(`CREATE OR REPLACE TEMP TABLE deletions (type VARCHAR, id VARCHAR)`)
}

/**
 * Reads transaction Bundles of DELETE requests into the temporary table of deletions.
 *
 * @throws {@link DeletionUnreadableError} when anything else is among them: a deletion that is not
 *   understood would leave data behind that should be gone.
 * @see {@link https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-manifest | Bulk Data: Output Manifest, deleted}
 */
export async function stageDeletions(sql: SqlRunner, files: readonly LandingFile[]): Promise<void> {
  await readLines(files, (lines) =>
    sql.connection.run(`CREATE OR REPLACE TEMP TABLE deletion_urls AS ${urlsSql(lines)}`),
  )
  const unreadable = await sql.count(
    `SELECT count(*) AS n FROM temp.deletion_urls WHERE url IS NULL OR NOT regexp_matches(url, '${URL}')`,
  )
  if (unreadable > 0) throw new DeletionUnreadableError(unreadable)
  await sql.run(
    `INSERT INTO temp.deletions
     SELECT DISTINCT regexp_extract(url, '${URL}', 1), regexp_extract(url, '${URL}', 2)
     FROM temp.deletion_urls`,
  )
  await sql.run(`DROP TABLE temp.deletion_urls`)
}

/** The URL of each entry; NULL for what is no deletion. A Bundle without entries has none. */
function urlsSql(lines: string): string {
  const entries = `CASE
      WHEN type = 'ARRAY' THEN json_extract(raw, '$.entry[*]')
      WHEN type IS NULL THEN []
      ELSE [NULL] END`
  return `SELECT CASE WHEN is_deletion AND json_extract_string(entry, '$.request.method') = 'DELETE'
        THEN json_extract_string(entry, '$.request.url') END AS url
    FROM (SELECT is_deletion, unnest(CASE WHEN is_deletion THEN ${entries} ELSE [NULL] END) AS entry
      FROM (SELECT raw, json_type(raw, '$.entry') AS type,
          coalesce(json_extract_string(raw, '$.resourceType') = 'Bundle'
            AND json_extract_string(raw, '$.type') = 'transaction', false) AS is_deletion
        FROM ${lines}))`
}
