// `npm start`: installs what is missing, builds, and runs the demo.
import { requireNode } from './require-node.mjs'

requireNode()
import('./workspace.mjs').then((workspace) => workspace.start(process.argv.slice(2)))
