import fc from 'fast-check'
import { type ModelBench, type Plan, PLANS } from './model-bench.ts'
import { type Fhir, referencesOf } from './source-model.ts'

const PATIENTS = ['p0', 'p1', 'p2', 'p3', 'p4']
const OBSERVATIONS = Array.from({ length: 10 }, (_, index) => `b${index}`)
const PRACTITIONERS = ['d0', 'd1']
const ORGANIZATIONS = ['o0', 'o1']
const GROUPS = ['g0', 'g1']

const HOUR_MS = 3_600_000

const patient = fc.constantFrom(...PATIENTS)
const plan = fc.constantFrom(...PLANS)
/** What makes one version differ from another, in forms that must stay as they are. */
const value = fc.constantFrom('1.50', 'Zoë 患者 😀', '\u2028', '10000000000000000001', 'é', '')

function ref(reference: string): { readonly reference: string } {
  return { reference }
}

const putPatient = fc
  .record({
    id: patient,
    value,
    organization: fc.option(fc.constantFrom(...ORGANIZATIONS), { nil: undefined }),
    link: fc.option(fc.tuple(patient, fc.constantFrom('replaced-by', 'replaces', 'seealso')), {
      nil: undefined,
      freq: 3,
    }),
  })
  .map(({ id, value: text, organization, link }): Fhir => {
    return {
      ...{ resourceType: 'Patient', id, language: text },
      ...(organization !== undefined && {
        managingOrganization: ref(`Organization/${organization}`),
      }),
      ...(link !== undefined && { link: [{ other: ref(`Patient/${link[0]}`), type: link[1] }] }),
    }
  })

const putObservation = fc
  .record({
    id: fc.constantFrom(...OBSERVATIONS),
    // Mostly its own patient; now and then a record becomes somebody else's.
    subject: fc.option(patient, { nil: undefined, freq: 1 }),
    performer: fc.option(
      fc.constantFrom(
        ...PRACTITIONERS.map((id) => `Practitioner/${id}`),
        ...PATIENTS.map((id) => `Patient/${id}`),
      ),
      { nil: undefined },
    ),
    value,
  })
  .map(({ id, subject, performer, value: text }): Fhir => {
    const own = PATIENTS[Number(id.slice(1)) % PATIENTS.length] ?? 'p0'
    return {
      ...{ resourceType: 'Observation', id, status: 'final' },
      subject: ref(`Patient/${subject ?? own}`),
      ...(performer !== undefined && { performer: [ref(performer)] }),
      valueString: text,
    }
  })

const putOther = fc.oneof(
  fc.tuple(fc.constantFrom(...PRACTITIONERS), value).map(([id, text]): Fhir => {
    return { resourceType: 'Practitioner', id, language: text }
  }),
  fc.tuple(fc.constantFrom(...ORGANIZATIONS), value).map(([id, name]): Fhir => {
    return { resourceType: 'Organization', id, name, partOf: ref('Organization/o1') }
  }),
  fc.tuple(fc.constantFrom(...OBSERVATIONS), value).map(([id, text]): Fhir => {
    const target = [ref(`Observation/${id}`)]
    const agent = [{ who: ref('Organization/o0') }]
    return { resourceType: 'Provenance', id: `v-${id}`, target, agent, language: text }
  }),
)

const putGroup = fc
  .record({
    id: fc.constantFrom(...GROUPS),
    members: fc.array(fc.tuple(patient, fc.integer({ min: 0, max: 9 })), { maxLength: 5 }),
  })
  .map(({ id, members }): Fhir => {
    const member = members.map(([who, dice]) => {
      return { entity: ref(`Patient/${who}`), ...(dice === 0 && { inactive: true }) }
    })
    return { resourceType: 'Group', id, type: 'person', actual: true, member }
  })

const someName = fc.constantFrom(
  ...PATIENTS.map((id) => `Patient/${id}`),
  ...OBSERVATIONS.map((id) => `Observation/${id}`),
  ...OBSERVATIONS.map((id) => `Observation/${id}`),
  ...OBSERVATIONS.map((id) => `Provenance/v-${id}`),
  ...PRACTITIONERS.map((id) => `Practitioner/${id}`),
)

/** One thing that happens to a source, or to its copy. */
export type HistoryStep =
  | { readonly what: 'put'; readonly resources: readonly Fhir[] }
  | { readonly what: 'delete'; readonly name: string }
  | { readonly what: 'leap'; readonly ms: number }
  | { readonly what: 'sync'; readonly plan: Plan }
  | { readonly what: 'reconcile'; readonly plan: Plan }
  | { readonly what: 'abort'; readonly plan: Plan; readonly place: number }
  | { readonly what: 'kill'; readonly plan: Plan; readonly when: Readonly<Record<string, unknown>> }
  | {
      readonly what: 'fail'
      readonly plan: Plan
      readonly fault: 'not-found' | 'cut'
      readonly every: number
    }

function stepOf<What extends HistoryStep['what']>(
  what: What,
  rest: fc.Arbitrary<Omit<Extract<HistoryStep, { what: What }>, 'what'>>,
): fc.Arbitrary<HistoryStep> {
  return rest.map((each) => ({ ...each, what }) as unknown as HistoryStep)
}

/** Steps of a history. */
export const step: fc.Arbitrary<HistoryStep> = fc.oneof(
  {
    weight: 10,
    arbitrary: stepOf(
      'put',
      fc.record({
        resources: fc.array(fc.oneof(putPatient, putObservation, putObservation, putOther), {
          minLength: 1,
          maxLength: 8,
        }),
      }),
    ),
  },
  { weight: 5, arbitrary: stepOf('put', fc.record({ resources: putGroup.map((one) => [one]) })) },
  { weight: 5, arbitrary: stepOf('delete', fc.record({ name: someName })) },
  {
    weight: 1,
    arbitrary: stepOf('leap', fc.record({ ms: fc.constantFrom(50, 1500, HOUR_MS, 3 * HOUR_MS) })),
  },
  { weight: 8, arbitrary: stepOf('sync', fc.record({ plan })) },
  {
    weight: 2,
    arbitrary: stepOf('abort', fc.record({ plan, place: fc.integer({ min: 1, max: 45 }) })),
  },
  {
    weight: 1,
    arbitrary: stepOf(
      'kill',
      fc.record({
        plan,
        when: fc.oneof(
          fc.record({ killAtEvent: fc.integer({ min: 1, max: 45 }) }),
          fc.record({
            killAfter: fc.constantFrom('landing-begun', 'landing-inspected', 'run-planned'),
            killDelayMs: fc.integer({ min: 0, max: 60 }),
          }),
        ),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: stepOf(
      'fail',
      fc.record({
        plan,
        fault: fc.constantFrom('not-found' as const, 'cut' as const),
        every: fc.integer({ min: 1, max: 4 }),
      }),
    ),
  },
  { weight: 1, arbitrary: stepOf('reconcile', fc.record({ plan })) },
)

/** Lets one step happen. */
export async function playStep(bench: ModelBench, each: HistoryStep): Promise<void> {
  const { source } = bench
  if (each.what === 'put') await putResources(bench, each.resources)
  else if (each.what === 'delete') await deleteResource(bench, each.name)
  else if (each.what === 'leap') source.leapClock(each.ms)
  else if (each.what === 'sync') {
    await bench.sync(each.plan)
  } else if (each.what === 'abort') await bench.abort(each.plan, each.place)
  else if (each.what === 'kill') await bench.kill(each.plan, each.when)
  else if (each.what === 'fail') await bench.fail(each.plan, each.fault, each.every)
  else {
    await bench.reconcile(each.plan)
  }
}

/** Provenance is only about what is there: where the rest of it belongs, nobody says. */
async function putResources({ source }: ModelBench, resources: readonly Fhir[]): Promise<void> {
  const coming = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`))
  const isThere = (name: string): boolean => coming.has(name) || source.model.has(name)
  await source.put(...resources.filter((each) => referencesOf(each['target']).every(isThere)))
}

async function deleteResource({ source }: ModelBench, name: string): Promise<void> {
  const [type, id = ''] = name.split('/')
  if (type === 'Observation') await source.delete(`Provenance/v-${id}`)
  await source.delete(name)
}

/** A Group that is not there is an error to every sync, which other tests are about. */
export async function needGroups({ source }: ModelBench): Promise<void> {
  for (const id of GROUPS.filter((each) => !source.model.has(`Group/${each}`))) {
    await source.put({ resourceType: 'Group', id, type: 'person', actual: true })
  }
}
