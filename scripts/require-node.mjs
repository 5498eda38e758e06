// Written in the syntax of old versions of Node, so that they get as far as saying what is wrong.
import { readFileSync } from 'node:fs'

/** Ends the process with one clear line when this Node is older than package.json asks for. */
export function requireNode() {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const needed = manifest.engines.node.replace('>=', '').split('.').map(Number)
  const running = process.versions.node.split('.').map(Number)
  if (running[0] > needed[0] || (running[0] === needed[0] && running[1] >= needed[1])) return
  console.error(
    'flatfhir needs Node ' +
      needed.join('.') +
      ' or newer; this is Node ' +
      process.versions.node +
      '. Get one from https://nodejs.org and try again.',
  )
  process.exit(1)
}
