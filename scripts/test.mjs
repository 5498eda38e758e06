// `npm test`: installs what is missing, builds, type-checks, lints, and runs every test.
import { requireNode } from './require-node.mjs'

requireNode()
import('./workspace.mjs').then((workspace) => workspace.test(process.argv.slice(2)))
