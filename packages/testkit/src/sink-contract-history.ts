import type { LandingInspection } from '@flatfhir/client'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  COHORT,
  hour,
  land,
  LandingFolder,
  type LandingScript,
  type MakeSinkPlace,
  observationText,
  OTHER_COHORT,
  resourceText,
} from './sink-contract-fixture.ts'
import { rowsById } from './sink-contract-views.ts'
import { MemorySink } from './memory-sink.ts'

const PATIENTS = ['p0', 'p1', 'p2', 'p3']
const OBSERVATIONS = ['b0', 'b1', 'b2', 'b3', 'b4', 'b5']

const small = fc.integer({ min: 0, max: 3 })
const aPatient = fc.constantFrom(...PATIENTS)
const lastUpdated = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined, freq: 6 })

const patientLine = fc
  .tuple(aPatient, lastUpdated, fc.option(aPatient, { freq: 2 }), fc.boolean())
  .map(([id, at, other, replaces]) => {
    const type = replaces ? 'replaces' : 'replaced-by'
    const link = [{ type, other: { reference: `Patient/${other ?? ''}` } }]
    return resourceText('Patient', id, { lastUpdated: at, ...(other !== null && { link }) })
  })

const observationLine = fc
  .tuple(fc.constantFrom(...OBSERVATIONS), aPatient, fc.option(aPatient), lastUpdated, small)
  .map(([id, patient, other, at, n]) => {
    const performer = other === null ? {} : { performer: [{ reference: `Patient/${other}` }] }
    return observationText(id, patient, { lastUpdated: at, n, ...performer })
  })

const organizationLine = fc
  .tuple(fc.constantFrom('o0', 'o1'), lastUpdated, small)
  .map(([id, at, n]) => resourceText('Organization', id, { lastUpdated: at, n }))

const lines = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: patientLine },
    { weight: 6, arbitrary: observationLine },
    { weight: 1, arbitrary: organizationLine },
  ),
  { maxLength: 12 },
)

const deletions = fc.array(
  fc.oneof(
    fc.constantFrom(...OBSERVATIONS).map((id) => `Observation/${id}`),
    aPatient.map((id) => `Patient/${id}`),
  ),
  { maxLength: 3 },
)

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 })

const landings: fc.Arbitrary<LandingScript> = fc
  .record({
    run: fc.record({
      cohort: fc.constantFrom(COHORT, COHORT, OTHER_COHORT, {
        source: 'https://elsewhere.example/fhir',
        cohort: 'system',
      }),
      types: fc.constantFrom(undefined, ['Patient', 'Observation'], ['Observation']),
      since: maybe(small.map(hour)),
      inStepUntil: maybe(small.map(hour)),
    }),
    all: maybe(lines),
    changes: maybe(lines),
    history: maybe(lines),
    deleted: maybe(deletions),
    roster: maybe(fc.uniqueArray(aPatient)),
    rosterAt: small.map(hour),
    commits: fc.constantFrom(true, true, true, false),
  })
  .map((script) => definedOnly(script))

/** Random histories of landings. To be called within `describe`. */
export function historyContract(makePlace: MakeSinkPlace): void {
  describe('any history of landings', () => {
    test(
      'gives the rows and the inspections of a sink in memory',
      { timeout: 120_000 },
      async () => {
        const histories = fc.array(landings, { minLength: 1, maxLength: 6 })
        const plays = async (history: readonly LandingScript[]): Promise<void> => {
          await using folder = new LandingFolder()
          const place = await makePlace()
          const model = new MemorySink()
          for (const [index, script] of history.entries()) {
            const numbered = { ...script, run: { ...script.run, id: `run-${index}` } }
            const expected = await land(model, folder, numbered)
            const actual = await land(place.sink(), folder, numbered)

            expect(plain(actual)).toEqual(plain(expected))
            expect(await comparableRows(place)).toEqual(modelRows(model))
          }
        }
        await fc.assert(fc.asyncProperty(histories, plays), { numRuns: 12 })
      },
    )
  })
}

type Place = Parameters<typeof rowsById>[0]

async function comparableRows(place: Place): Promise<readonly unknown[]> {
  return rowsById(place)
}

function modelRows(model: MemorySink): readonly unknown[] {
  return model.rows().map(({ source, type, id, text, cohorts, run }) => ({
    source,
    type,
    id,
    raw: text,
    cohorts,
    runId: run,
  }))
}

function plain(inspection: LandingInspection): unknown {
  return JSON.parse(JSON.stringify(inspection))
}

/** Without what is undefined: a part that is undefined is no part. */
function definedOnly(script: object): LandingScript {
  const { run, ...parts } = script as LandingScript
  const entries = (value: object): [string, unknown][] =>
    Object.entries(value).filter(([, each]) => each !== undefined)
  return { ...Object.fromEntries(entries(parts)), run: Object.fromEntries(entries(run ?? {})) }
}
