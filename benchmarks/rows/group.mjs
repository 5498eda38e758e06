// A Group's export: its cost follows the cohort, not the population.
import { FIXED_GROUP, TENTH_GROUP } from '../data/dataset.mjs'
import { measureInTurn } from '../measure.mjs'

const COST_GOAL = 1.5
/** "Flat", on a machine that is never quite quiet. */
const FLAT_GOAL = 1.3
const TENFOLD = 10

const TENTH_NOTE =
  'Cost of one resource in the export of every tenth patient; limit: its cost in the system export of the same store. Plain files.'
const FIXED_NOTE =
  'Cost of one resource in the export of a Group of 100 patients, spread over the whole population; limit: the same in the smaller population. Plain files.'

/** @param {import('../bench.mjs').Bench} bench @returns {Promise<readonly import('../report.mjs').Row[]>} */
export async function groupRows(bench) {
  const measures = []
  for (const size of bench.sizes) measures.push(await measureSize(bench, size))
  return [...measures.map((measure) => tenthRow(bench, measure)), ...flatRows(measures)]
}

/** Microseconds per resource. */
async function measureSize(bench, size) {
  const dataset = await bench.dataset(size)
  const runner = await bench.runner(size, 'none')
  bench.log(`Group export, ${dataset.label}`)
  const cost = (query) => async () => {
    const { seconds, resources } = await runner.run(query)
    if (resources === 0) throw new Error('The Group export is empty')
    return (seconds / resources) * 1e6
  }
  const measures = await measureInTurn(
    {
      system: cost({ level: 'system' }),
      tenth: cost({ level: 'group', groupId: TENTH_GROUP }),
      fixed: cost({ level: 'group', groupId: FIXED_GROUP }),
    },
    { runs: bench.options.runs },
  )
  return { size, dataset, ...measures }
}

function tenthRow(bench, { dataset, tenth, system }) {
  const ratio = tenth.median / system.median
  return {
    ...row(`Group export of 10 %, ${dataset.label}`, tenth, system.median),
    ...(bench.goalsApply(dataset) && { goal: `≤ ${COST_GOAL} ×`, met: ratio <= COST_GOAL }),
    note: TENTH_NOTE,
  }
}

/** The same cohort size at the smallest population and at each larger one. */
function flatRows(measures) {
  const [smallest, ...larger] = measures
  if (smallest === undefined) return []
  return larger.map((measure) => {
    const times = measure.size / smallest.size
    const ratio = measure.fixed.median / smallest.fixed.median
    const name = `Group export of 100 patients out of ${measure.dataset.label}, instead of ${smallest.dataset.label}`
    return {
      ...row(name, measure.fixed, smallest.fixed.median),
      ...(times >= TENFOLD && { goal: `≤ ${FLAT_GOAL} ×`, met: ratio <= FLAT_GOAL }),
      note: FIXED_NOTE,
    }
  })
}

function row(name, ours, limit) {
  return {
    group: 'group',
    name,
    unit: 'µs/resource',
    value: ours.median,
    low: ours.low,
    high: ours.high,
    limit,
    ratio: ours.median / limit,
    ratioMeans: 'times',
  }
}
