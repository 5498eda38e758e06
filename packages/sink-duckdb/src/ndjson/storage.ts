/**
 * How the column `raw` is to be stored: `raw VARCHAR USING COMPRESSION zstd`.
 *
 * Left to itself DuckDB tries several compressions on each piece of text and settles for FSST, or for
 * none where texts are long. Said beforehand, zstd made landing 1.3 times as fast, and a database a
 * quarter (Observation) to a twentieth (ExplanationOfBenefit) as large. Needs
 * {@link STORAGE_COMPATIBILITY_VERSION}; in a database of an older form it is ignored.
 */
export const RAW_COMPRESSION = 'USING COMPRESSION zstd'

/**
 * The setting `storage_compatibility_version` for databases that we make: the oldest whose form has
 * zstd. DuckDB before 1.2 cannot open them.
 */
export const STORAGE_COMPATIBILITY_VERSION = 'v1.2.0'
