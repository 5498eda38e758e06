// Repeats work and says what is typical of it.

/**
 * @typedef {object} Measure
 * @property {number} median
 * @property {number} low
 * @property {number} high
 * @property {number} runs
 */

/**
 * @param {readonly number[]} samples At least one.
 * @returns {Measure}
 */
export function summarize(samples) {
  return {
    median: percentile(samples, 50),
    low: Math.min(...samples),
    high: Math.max(...samples),
    runs: samples.length,
  }
}

/** @param {readonly number[]} samples At least one. */
export function percentile(samples, percent) {
  const sorted = [...samples].sort((one, other) => one - other)
  const rank = (percent / 100) * (sorted.length - 1)
  const below = sorted[Math.floor(rank)]
  const above = sorted[Math.ceil(rank)]
  return below + (above - below) * (rank - Math.floor(rank))
}

/**
 * Measures several kinds of work in turn, so that a machine that is busy for a while is so for all
 * of them. Every kind returns one number a run.
 *
 * @template {string} Name
 * @param {Readonly<Record<Name, () => Promise<number>>>} kinds
 * @param {{ runs: number, warmUps?: number, budgetSeconds?: number }} options After
 *   `budgetSeconds` no further round begins; there is always one.
 * @returns {Promise<Record<Name, Measure>>}
 */
export async function measureInTurn(kinds, { runs, warmUps = 1, budgetSeconds = 20 }) {
  const names = Object.keys(kinds)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < warmUps; round += 1) {
    for (const name of names) await kinds[name]()
  }
  const startedAt = performance.now()
  for (let round = 0; round < runs; round += 1) {
    if (round > 0 && secondsSince(startedAt) > budgetSeconds) break
    for (const name of names) samples[name].push(await kinds[name]())
  }
  return Object.fromEntries(names.map((name) => [name, summarize(samples[name])]))
}

/** @param {number} startedAt From `performance.now()`. */
export function secondsSince(startedAt) {
  return (performance.now() - startedAt) / 1000
}
