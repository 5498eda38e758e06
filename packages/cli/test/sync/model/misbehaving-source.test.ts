import { describe, expect, test } from 'vitest'
import {
  alarmsOf,
  day,
  exportOf,
  fileOf,
  line,
  observation,
  population,
  rosterOf,
  ScriptedSource,
  textsOf,
  withValue,
} from './scripted-source.ts'

const BEFORE = population(3, 1)

/** After a first run, which landed `lines` as of day 2. */
async function landed(lines: readonly string[] = BEFORE): Promise<ScriptedSource> {
  const source = await ScriptedSource.start()
  source.answers.all = () => exportOf(2, lines)
  source.answers.roster = () => rosterOf(4, lines)
  await source.syncOnce()
  return source
}

describe('a source that ignores _since', () => {
  test('is not what some old changes among few make of it', async () => {
    await using source = await landed(population(20, 1))
    const old = [observation('p0-o', 'p0', 1), observation('p1-o', 'p1', 1)]
    source.answers.roster = () => rosterOf(4, population(20, 1))
    source.answers.changes = () => exportOf(4, [...old, observation('new', 'p0', 3)])

    const report = await source.syncOnce()

    expect(report).toMatchObject({ result: 'committed', alarms: [] })
  })

  test('stops the run; nothing that is landed changes', async () => {
    await using source = await landed()
    source.answers.changes = () => exportOf(4, [...BEFORE, observation('new', 'p0', 3)])
    const before = await source.warehouse()

    const report = await source.syncOnce()

    expect(report.result).toBe('stopped')
    expect(alarmsOf(report)).toEqual([['SINCE_IGNORED', false]])
    expect(report.landing?.types).toMatchObject([
      { type: 'Observation', comparable: 4, older: 3, inserted: 1 },
      { type: 'Patient', comparable: 3, older: 3 },
    ])
    expect((await source.warehouse()).digest).toBe(before.digest)
  })

  test('is landed, with the row that is later, when that is accepted', async () => {
    const ours = withValue(observation('p0-o', 'p0', 9), 'later')
    await using source = await landed([...BEFORE.filter((each) => !each.includes('p0-o')), ours])
    source.answers.changes = () => exportOf(10, BEFORE)

    const report = await source.syncOnce({ accept: ['SINCE_IGNORED'] })

    expect(report.result).toBe('committed')
    expect(alarmsOf(report)).toEqual([['SINCE_IGNORED', true]])
    expect(textsOf(await source.warehouse())).toContain(ours)
  })

  test('is found out at Group level by the second run', async () => {
    await using source = await ScriptedSource.start()
    source.connection = { level: 'group', groupIds: ['g'] }
    source.answers.all = () => exportOf(2, BEFORE)
    source.answers.roster = (index) => rosterOf(4 + index, BEFORE)
    source.answers.changes = (index) => exportOf(4 + index, BEFORE)

    const reports = [await source.syncOnce(), await source.syncOnce()]

    expect(reports.map(({ result }) => result)).toEqual(['committed', 'stopped'])
    expect(reports.map((each) => alarmsOf(each))).toEqual([[], [['SINCE_IGNORED', false]]])
  })
})

test('a source that tells of no deletion keeps the row landed until a reconcile, which reports the drift', async () => {
  await using source = await landed()
  const after = BEFORE.filter((each) => !each.includes('p0-o'))
  source.answers.changes = (index) => exportOf(4 + index, [])
  source.answers.all = () => exportOf(6, after)

  await source.syncOnce()
  expect(textsOf(await source.warehouse())).toEqual([...BEFORE].sort())
  const full = await source.syncOnce({ full: true })

  expect(full).toMatchObject({ kind: 'full', result: 'committed', fullReasons: ['asked'] })
  expect(full.landing?.types).toMatchObject([
    { type: 'Observation', deletedComputed: 1, removed: 1, drift: { extra: 1, missing: 0 } },
    { type: 'Patient', deletedComputed: 0, drift: { extra: 0, missing: 0, outdated: 0 } },
  ])
  expect(textsOf(await source.warehouse())).toEqual([...after].sort())
})

test('what comes several times, within and across files, is one row: the newest, then the last', async () => {
  await using source = await landed()
  const [first, second] = ['first', 'second'].map((value) =>
    withValue(observation('a', 'p0', 4), value),
  )
  const older = withValue(observation('b', 'p0', 3), 'older')
  const newer = withValue(observation('b', 'p0', 4), 'newer')
  source.answers.changes = () => ({
    transactionTime: day(5),
    files: [
      fileOf('Observation', [first ?? '', first ?? '', newer]),
      fileOf('Observation', [older, second ?? '']),
    ],
  })

  const report = await source.syncOnce()

  const observations = report.landing?.types.find(({ type }) => type === 'Observation')
  expect(observations).toMatchObject({ received: 2, duplicates: 3, inserted: 2 })
  expect(textsOf(await source.warehouse())).toEqual([...BEFORE, second, newer].sort())
})

test('a row that is deleted and sent in the same export stays', async () => {
  await using source = await landed()
  const again = withValue(observation('p0-o', 'p0', 4), 'again')
  source.answers.changes = () => exportOf(5, [again], ['Observation/p0-o', 'Observation/p1-o'])

  const report = await source.syncOnce()

  const observations = report.landing?.types.find(({ type }) => type === 'Observation')
  expect(observations).toMatchObject({ updated: 1, deletedTold: 1, removed: 1 })
  const names = [...(await source.warehouse()).rows.keys()].filter((name) => name.endsWith('-o'))
  expect(names).toEqual(['Observation/p0-o', 'Observation/p2-o'])
})

describe('an export that is not what its manifest says', () => {
  const news = observation('new', 'p0', 4)

  test('in the number of resources stops the run; nothing that is landed changes', async () => {
    await using source = await landed()
    source.answers.changes = () => ({
      transactionTime: day(5),
      files: [{ ...fileOf('Observation', [news]), entry: { count: 5 } }],
    })
    const before = await source.warehouse()

    const report = await source.syncOnce()

    expect(report).toMatchObject({ result: 'stopped', exports: [{}, { verdict: 'failed' }] })
    expect(alarmsOf(report)).toEqual([['EXPORT_INCOMPLETE', false]])
    expect((await source.warehouse()).digest).toBe(before.digest)
  })

  test('is landed as far as it goes when that is accepted, and the watermark stays', async () => {
    await using source = await landed()
    source.answers.changes = () => ({
      transactionTime: day(5),
      files: [
        fileOf('Observation', [news]),
        { ...fileOf('Patient', [line('Patient/p1', 4)]), always: { answer: { status: 404 } } },
      ],
    })

    const report = await source.syncOnce({ accept: ['EXPORT_INCOMPLETE'] })

    expect(report.result).toBe('committed')
    expect(report.transactionTime).toBeUndefined()
    const { cohorts, ...warehouse } = await source.warehouse()
    expect(textsOf({ cohorts, ...warehouse })).toEqual([...BEFORE, news].sort())
    expect(cohorts.get('patient')?.transactionTimes).toEqual([day(2)])
  })

  test('with an error file is landed: the source has exported all that it can', async () => {
    await using source = await landed()
    const issue = [{ severity: 'error', code: 'exception', diagnostics: 'One cannot be read' }]
    const outcome = JSON.stringify({ resourceType: 'OperationOutcome', issue })
    source.answers.changes = () => ({
      transactionTime: day(5),
      files: [
        fileOf('Observation', [news]),
        { kind: 'outcome', type: 'OperationOutcome', content: `${outcome}\n` },
      ],
    })

    const report = await source.syncOnce()

    expect(report).toMatchObject({ result: 'committed', alarms: [] })
    const warehouse = await source.warehouse()
    expect(textsOf(warehouse)).toEqual([...BEFORE, news].sort())
    expect([...warehouse.rows.keys()].some((name) => name.startsWith('OperationOutcome'))).toBe(
      false,
    )
    expect(report.exports.at(-1)?.outcomes).toEqual([
      { severity: 'error', code: 'exception', count: 1 },
    ])
  })

  test('with an error file takes nothing away by leaving it out', async () => {
    await using source = await landed()
    const [left] = BEFORE
    const issue = [{ severity: 'error', code: 'exception', diagnostics: 'Some cannot be read' }]
    const outcome = JSON.stringify({ resourceType: 'OperationOutcome', issue })
    const rest = exportOf(5, [...BEFORE.filter((each) => each !== left), news])
    const failed = { kind: 'outcome', type: 'OperationOutcome', content: `${outcome}\n` } as const
    source.answers.all = () => ({ ...rest, files: [...(rest.files ?? []), failed] })

    const report = await source.syncOnce({ full: true })

    expect(report).toMatchObject({ kind: 'full', result: 'committed', alarms: [] })
    const warehouse = await source.warehouse()
    expect(textsOf(warehouse)).toEqual([...BEFORE, news].sort())
  })
})

describe('a source that shrinks', () => {
  test('by half stops a full run; accepted, the rest goes', async () => {
    const many = population(24, 1)
    const half = population(12, 1)
    await using source = await landed(many)
    source.answers.all = () => exportOf(5, half)
    const before = await source.warehouse()

    const stopped = await source.syncOnce({ full: true })

    expect(stopped.result).toBe('stopped')
    expect(alarmsOf(stopped)).toEqual([['SUSPICIOUS_SHRINK', false]])
    expect(stopped.alarms.map(({ type }) => type)).toEqual(['Patient', 'Observation', 'Patient'])
    expect((await source.warehouse()).digest).toBe(before.digest)

    const accepted = await source.syncOnce({ full: true, accept: ['SUSPICIOUS_SHRINK'] })

    expect(accepted.result).toBe('committed')
    expect(textsOf(await source.warehouse())).toEqual([...half].sort())
    expect((await source.warehouse()).cohorts.get('patient')?.roster).toHaveLength(12)
  })

  test('to nothing stops an incremental run at its roster, before anything else is asked', async () => {
    await using source = await landed()
    source.answers.roster = () => exportOf(4, [])
    source.purposes.length = 0

    const report = await source.syncOnce()

    expect(alarmsOf(report)).toEqual([['SUSPICIOUS_SHRINK', false]])
    expect(source.purposes).toEqual(['roster'])
  })
})

test('a source that gives everybody another id stops the run; accepted, nothing of the old ones stays', async () => {
  await using source = await landed(population(12, 1))
  const renamed = population(12, 4, 'q')
  source.answers.roster = () => rosterOf(5, renamed)
  source.answers.changes = () => exportOf(5, renamed)
  source.answers.history = () => exportOf(5, renamed)
  const before = await source.warehouse()

  const stopped = await source.syncOnce()

  expect(stopped.landing?.roster).toEqual({
    ...{ members: 12, membersBefore: 12, joiners: 12, leavers: 12 },
  })
  expect(alarmsOf(stopped)).toEqual([['SUSPICIOUS_SHRINK', false]])
  expect((await source.warehouse()).digest).toBe(before.digest)

  await source.syncOnce({ accept: ['SUSPICIOUS_SHRINK'] })

  expect(textsOf(await source.warehouse())).toEqual([...renamed].sort())
})

test('a clock that runs backwards stops the run; accepted, a full one goes on from there', async () => {
  await using source = await landed()
  const after = [...BEFORE.slice(1), line('Patient/p0', 1, { active: true })]
  source.answers.roster = () => rosterOf(1, after)
  source.answers.changes = () => exportOf(1, [])
  const before = await source.warehouse()

  const stopped = await source.syncOnce()

  expect(alarmsOf(stopped)).toEqual([['CLOCK_BACKWARDS', false]])
  expect((await source.warehouse()).digest).toBe(before.digest)

  source.answers.all = () => exportOf(1, after)
  const accepted = await source.syncOnce({ accept: ['CLOCK_BACKWARDS'] })

  expect(accepted).toMatchObject({ kind: 'full', fullReasons: ['clock-backwards'] })
  const warehouse = await source.warehouse()
  expect(textsOf(warehouse)).toEqual([...after].sort())
  expect(warehouse.cohorts.get('patient')?.transactionTimes).toEqual([day(1)])
})

describe('a source that does not take', () => {
  const joined = [...BEFORE, line('Patient/late', 1), observation('late-o', 'late', 1)]
  const refused = { status: 400, body: { resourceType: 'OperationOutcome' } }

  test('_elements is asked for whole Patients', async () => {
    await using source = await landed()
    source.answers.roster = (index) => (index === 0 ? refused : rosterOf(5, joined))
    source.answers.changes = () => exportOf(5, [])
    source.answers.history = () => exportOf(5, joined.slice(-2))

    const report = await source.syncOnce()

    expect(report).toMatchObject({ kind: 'incremental', result: 'committed' })
    expect(textsOf(await source.warehouse())).toEqual([...joined].sort())
  })

  test('patient is exported in full, and the report says why', async () => {
    await using source = await landed()
    source.answers.roster = () => rosterOf(5, joined)
    source.answers.changes = () => exportOf(5, [])
    source.answers.history = () => refused
    source.answers.all = () => exportOf(6, joined)

    const report = await source.syncOnce()

    expect(report).toMatchObject({ kind: 'full', fullReasons: ['joiners-not-supported'] })
    expect(textsOf(await source.warehouse())).toEqual([...joined].sort())
    expect(source.purposes.slice(-4)).toEqual(['roster', 'changes', 'history', 'all'])
  })

  test('patient or _type, but drops them, is landed without harm', async () => {
    await using source = await landed()
    source.answers.roster = () => exportOf(5, joined)
    source.answers.changes = () => exportOf(5, [])
    source.answers.history = () => exportOf(5, joined)

    const report = await source.syncOnce()

    expect(report).toMatchObject({ kind: 'incremental', result: 'committed', alarms: [] })
    const warehouse = await source.warehouse()
    expect(textsOf(warehouse)).toEqual([...joined].sort())
    expect(warehouse.cohorts.get('patient')?.roster).toEqual(['late', 'p0', 'p1', 'p2'])
  })
})
