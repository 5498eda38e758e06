// The command line of `npm run bench`.
import { parseArgs } from 'node:util'

/** Groups of rows, in the order in which they are measured. */
export const ROW_GROUPS = [
  'import',
  'export-plain',
  'export-gzip',
  'export-encrypted',
  'growth',
  'group',
  'type-filter',
  'elements',
  'partial-manifest',
  'roster',
  'kick-off',
  'memory',
  'served',
  'download',
  'download-small',
  'land-duckdb',
  'land-parquet',
  'incremental',
]

const DEFAULT_SIZES = '100,1000,3000'

export const USAGE = `npm run bench -- [options]
  --patients N,…    sizes of the synthetic population (default ${DEFAULT_SIZES})
  --sample DIR      other NDJSON, plain or .gz, instead of the synthetic population
  --times N,…       how often the sample is taken, with fresh ids (default 1); only with --sample
  --only ROW,…      ${ROW_GROUPS.join(', ')}
  --runs N          most runs of each measure (default 5)
  --json FILE       writes the rows as JSON too
  --readme          puts the table into benchmarks/README.md
  --work DIR        where files are made and removed again (default: the system's temporary folder)
  --help            prints this`

/** What the command line says is not possible. */
export class UsageError extends Error {}

/**
 * @typedef {object} Options
 * @property {readonly number[]} sizes Patients, or with a sample how often it is taken; ascending.
 * @property {string | undefined} sample Folder of NDJSON.
 * @property {ReadonlySet<string>} only
 * @property {number} runs
 * @property {string | undefined} json
 * @property {boolean} readme
 * @property {string | undefined} work
 * @property {boolean} help
 */

/**
 * @param {readonly string[]} argv
 * @returns {Options}
 * @throws {UsageError}
 */
export function parseOptions(argv) {
  const values = parse(argv)
  if (values.sample !== undefined && values.patients !== undefined) {
    throw new UsageError('--patients sizes the synthetic population; with --sample use --times.')
  }
  if (values.sample === undefined && values.times !== undefined) {
    throw new UsageError('--times goes with --sample DIR.')
  }
  const sizes =
    values.sample === undefined
      ? wholeNumbers('--patients', values.patients ?? DEFAULT_SIZES)
      : wholeNumbers('--times', values.times ?? '1')
  const [runs] = wholeNumbers('--runs', values.runs ?? '5')
  return {
    sizes,
    sample: values.sample,
    only: rowGroups(values.only),
    runs,
    json: values.json,
    readme: values.readme ?? false,
    work: values.work,
    help: values.help ?? false,
  }
}

function parse(argv) {
  const text = { type: 'string' }
  const names = ['patients', 'sample', 'times', 'only', 'runs', 'json', 'work']
  const options = { help: { type: 'boolean' }, readme: { type: 'boolean' } }
  for (const name of names) options[name] = text
  try {
    return parseArgs({ args: [...argv], options }).values
  } catch (error) {
    throw new UsageError(error.message)
  }
}

function wholeNumbers(flag, text) {
  const numbers = text.split(',').map(Number)
  if (!numbers.every((number) => Number.isSafeInteger(number) && number > 0)) {
    throw new UsageError(`${flag} takes whole numbers above 0, separated by commas.`)
  }
  return [...new Set(numbers)].sort((one, other) => one - other)
}

function rowGroups(text) {
  const names = text?.split(',') ?? ROW_GROUPS
  const unknown = names.find((name) => !ROW_GROUPS.includes(name))
  if (unknown !== undefined) {
    throw new UsageError(`There is no row ${unknown}. Rows: ${ROW_GROUPS.join(', ')}.`)
  }
  return new Set(names)
}
