import { parentPort, workerData } from 'node:worker_threads'
import { countUnresolved, type WantedRuns } from './count-unresolved.ts'

const { path, runs } = workerData as { readonly path: string; readonly runs: WantedRuns }
parentPort?.postMessage(countUnresolved(path, runs))
