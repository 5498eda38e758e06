import { Worker } from 'node:worker_threads'
import type { UnresolvedReferences } from '../receipt/receipt.ts'
import type { WantedRuns } from './count-unresolved.ts'

/**
 * Counts references that lead to nothing, in a thread of its own.
 *
 * @param path - Of the spill.
 * @returns `undefined` when it cannot be told.
 */
export async function unresolvedReferences(
  path: string,
  runs: WantedRuns,
): Promise<readonly UnresolvedReferences[] | undefined> {
  const worker = new Worker(new URL('./count-worker.js', import.meta.url), {
    workerData: { path, runs },
    execArgv: [],
  })
  return new Promise((resolve) => {
    worker.once('message', (counted: readonly UnresolvedReferences[] | undefined) => {
      resolve(counted)
    })
    // What this tells is worth less than the export.
    worker.once('error', () => {
      resolve(undefined)
    })
    worker.once('exit', () => {
      resolve(undefined)
    })
  })
}
