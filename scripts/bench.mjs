// `npm run bench`: builds, and prints what this machine can do beside what flatfhir does on it.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { requireNode } from './require-node.mjs'

requireNode()
build()
import('../benchmarks/run.mjs').then(({ runBenchmarks }) => runBenchmarks(process.argv.slice(2)))

function build() {
  const compiler = findCompiler()
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { status } = spawnSync(process.execPath, [compiler, '-b'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

function findCompiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc')
  } catch {
    console.error('Nothing is installed yet. Run npm ci and try again.')
    process.exit(1)
  }
}
