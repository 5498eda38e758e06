// Writes CONFORMANCE.md from the requirement table and the proofs that cite it, or with --check only
// says what is wrong: a requirement that nothing proves and nothing excuses, or a stale page.
//   node scripts/generate-conformance.mjs [--check]
import { execFile } from 'node:child_process'
import { access, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { REQUIREMENTS } from '../conformance/dist/index.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PAGE = join(ROOT, 'CONFORMANCE.md')
const PROOFS = 'conformance/test/proofs'
const EDITIONS = {
  STU1: 'Bulk Data Access 1.0 (STU1): what is particular to it',
  STU2: 'Bulk Data Access 2.0 (STU2)',
  STU3: 'Bulk Data Access 3.0 (STU3): what it added',
  STU4: 'Bulk Data Access 4.0 (STU4 ballot): what it changes',
  SMART: 'SMART App Launch 2.2: Backend Services',
}
const STRENGTHS = ['SHALL', 'SHALL NOT', 'SHOULD', 'SHOULD NOT']

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const rows = await requirementRows()
const problems = await problemsOf(rows)
const page = await formatted(pageOf(rows))

if (page !== (await readFile(PAGE, 'utf8').catch(() => undefined))) {
  if (values.check)
    problems.push('CONFORMANCE.md is stale: run node scripts/generate-conformance.mjs')
  else {
    await writeFile(PAGE, page)
    console.log('wrote CONFORMANCE.md')
  }
}
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1

/** Every requirement, with the tests that prove it. */
async function requirementRows() {
  const tests = await listProofs()
  return Object.entries(REQUIREMENTS).map(([id, requirement]) => {
    const mine = tests.filter(({ name }) => name.startsWith(`${id} `))
    const proofs = mine.map(({ file }) => file)
    if (requirement.provenElsewhere !== undefined) proofs.push(requirement.provenElsewhere)
    return { id, ...requirement, proofs: [...new Set(proofs)], state: stateOf(requirement, proofs) }
  })
}

function stateOf({ reason, knownFailure }, proofs) {
  if (knownFailure !== undefined) return 'deviates'
  if (proofs.length > 0) return 'proven'
  return reason === undefined ? 'unproven' : 'excused'
}

/** Collects the proofs without running them; their names begin with the requirement's id. */
async function listProofs() {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [vitest, 'list', PROOFS, '--json'],
    { cwd: ROOT, maxBuffer: 64 * 2 ** 20 },
  )
  return JSON.parse(stdout.slice(stdout.indexOf('['))).map(({ name, file }) => ({
    name,
    file: relative(ROOT, file),
  }))
}

async function problemsOf(all) {
  const found = []
  for (const { id, state, reason, proofs, provenElsewhere } of all) {
    if (state === 'unproven') found.push(`${id} has neither proof nor reason`)
    if (reason !== undefined && proofs.length > 0) found.push(`${id} has a proof and a reason`)
    if (provenElsewhere === undefined) continue
    const exists = await access(join(ROOT, provenElsewhere)).then(
      () => true,
      () => false,
    )
    if (!exists) found.push(`${id} is proven by ${provenElsewhere}, which is not there`)
  }
  return found
}

function pageOf(all) {
  return [
    '# Conformance',
    '',
    'What the specifications ask for, and what proves that flatfhir does it. Generated from the table in',
    '`conformance/src/requirements` and the tests that cite it by `node scripts/generate-conformance.mjs`;',
    'do not edit. The ids of Bulk Data 2.0.0 and SMART 2.2.0 are those of Inferno; rows that begin with',
    '`flatfhir.` are our own. Each behaviour is in our own words; the link leads to the specification.',
    'The part that can be seen from outside is what `flatfhir check URL` looks at, in any server:',
    '[docs/check.md](docs/check.md).',
    '',
    ...summary(all),
    ...deviations(all),
    ...Object.entries(EDITIONS).flatMap(([edition, title]) => editionSection(all, edition, title)),
  ].join('\n')
}

function summary(all) {
  const lines = [
    '## How many',
    '',
    '| edition | actor | strength | proven | of |',
    '| --- | --- | --- | --: | --: |',
  ]
  for (const edition of Object.keys(EDITIONS)) {
    for (const actor of ['server', 'client', 'both']) {
      for (const strength of STRENGTHS) {
        const some = all.filter(
          (row) => row.edition === edition && row.actor === actor && row.strength === strength,
        )
        if (some.length === 0) continue
        const proven = some.filter(({ state }) => state === 'proven').length
        lines.push(`| ${edition} | ${actor} | ${strength} | ${proven} | ${some.length} |`)
      }
    }
  }
  const proven = all.filter(({ state }) => state === 'proven').length
  lines.push(`| **all** | | | **${proven}** | **${all.length}** |`, '')
  return lines
}

function deviations(all) {
  const groups = [
    ['Known deviations', 'deviates', ({ knownFailure }) => knownFailure],
    ['Not for a test', 'excused', ({ reason }) => reason],
  ]
  return groups.flatMap(([title, state, why]) => {
    const some = all.filter((row) => row.state === state)
    if (some.length === 0) return []
    return [
      `## ${title}`,
      '',
      '| requirement | behaviour | why |',
      '| --- | --- | --- |',
      ...some.map((row) => `| ${link(row)} | ${row.behavior} | ${why(row)} |`),
      '',
    ]
  })
}

function editionSection(all, edition, title) {
  return [
    `## ${title}`,
    '',
    '| requirement | actor | strength | behaviour | proof |',
    '| --- | --- | --- | --- | --- |',
    ...all
      .filter((row) => row.edition === edition)
      .map((row) => {
        const { actor, strength, behavior } = row
        return `| ${link(row)} | ${actor} | ${strength} | ${behavior} | ${proofCell(row)} |`
      }),
    '',
  ]
}

function link({ id, source }) {
  const short = id.replace(/^hl7\.fhir\.uv\./, '').replace('_', '\\_')
  return `[${short}](${source})`
}

function proofCell({ proofs, state, blackBox }) {
  const tests = proofs.map((path) => `[${path.split('/').slice(-1)[0]}](${path})`)
  const check = blackBox === undefined ? [] : [`check \`${blackBox}\``]
  const words = state === 'excused' ? ['see above'] : []
  return [...tests, ...check, ...words].join(', ')
}

async function formatted(text) {
  return await format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' })
}
