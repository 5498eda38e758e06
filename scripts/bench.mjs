// `npm run bench`: builds, and prints what this machine can do beside what flatfhir does on it.
import { requireNode } from './require-node.mjs'

requireNode()
import('./workspace.mjs')
  .then((workspace) => workspace.build())
  .then(() => import('../benchmarks/run.mjs'))
  .then(({ runBenchmarks }) => runBenchmarks(process.argv.slice(2)))
