// Syncs in a process of its own that kills itself: node model-sync.mjs '<JSON>'
import { runSync } from '@flatfhir/client'
import { DuckDbSink } from '@flatfhir/sink-duckdb'

const { warehouse, killAtEvent, killAfter, killDelayMs, ...options } = JSON.parse(process.argv[2])
const die = () => process.kill(process.pid, 'SIGKILL')
const clock = {
  now: () => new Date(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 10))),
}
let events = 0
const { result } = await runSync({
  ...options,
  clock,
  sink: new DuckDbSink({ path: warehouse, threads: 1 }),
  onEvent: ({ type }) => {
    events += 1
    if (events === killAtEvent) die()
    // Also from here on time passes in threads that no event tells of.
    if (type === killAfter) setTimeout(die, killDelayMs)
  },
})
process.exitCode = result === 'committed' ? 0 : 1
