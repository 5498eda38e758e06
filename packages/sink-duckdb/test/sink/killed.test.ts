import {
  COHORT,
  deletionText,
  land,
  LandingFolder,
  landingRun,
  observationText,
  reportOf,
  resourceText,
} from '@flatfhir/testkit'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { makePlace } from './place.ts'

const CHILD = join(import.meta.dirname, 'killed-landing.mjs')

const BEFORE = [
  resourceText('Patient', 'p'),
  observationText('a', 'p', { lastUpdated: 1 }),
  observationText('b', 'p', { lastUpdated: 1 }),
]
const AFTER = [
  resourceText('Patient', 'q'),
  observationText('b', 'q', { lastUpdated: 2 }),
  observationText('c', 'q', { lastUpdated: 2 }),
  resourceText('Encounter', 'e'),
]

test.each(['staged', 'inspected', 'committing', 'committed'] as const)(
  'a landing whose process is killed is there in full or not at all: %s',
  async (point) => {
    await using folder = new LandingFolder()
    const place = await makePlace()
    await land(place.sink(), folder, { run: { id: 'one' }, changes: BEFORE, roster: ['p'] })
    const run = landingRun({ id: 'two', kind: 'full' })
    const input = {
      path: place.path,
      run,
      files: await folder.filesOf(AFTER),
      deletions: [await folder.file('Bundle', [deletionText('Observation/a')])],
      report: reportOf(run),
      point,
    }

    const child = spawn(process.execPath, [CHILD, JSON.stringify(input)], { stdio: 'ignore' })
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]

    expect(signal).toBe('SIGKILL')
    await using session = await place.sink().open()
    const { lastRunId } = await session.readState(COHORT)
    await session[Symbol.asyncDispose]()
    if (point === 'committed') expect(lastRunId).toBe('two')
    else if (point !== 'committing') expect(lastRunId).toBe('one')
    const texts = (await place.rows()).map(({ raw }) => raw).toSorted()
    expect(texts).toEqual((lastRunId === 'two' ? AFTER : BEFORE).toSorted())
    expect(await readdir(dirname(place.path))).toEqual(['warehouse.duckdb'])
  },
)
