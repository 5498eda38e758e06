// `npm run soak`: kills and random histories by the hundred; FLATFHIR_SOAK_RUNS says how many.
import { requireNode } from './require-node.mjs'

requireNode()
import('./workspace.mjs').then((workspace) => workspace.soak(process.argv.slice(2)))
