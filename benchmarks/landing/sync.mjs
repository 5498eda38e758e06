// One sync in a process of its own, as `flatfhir sync run` does it. Prints what it took as JSON.
// Arguments: FHIR base URL, level, id of the Group (`-` for none), and a folder for warehouse and work.
import { runSync } from '@flatfhir/client'
import { DuckDbSink } from '@flatfhir/sink-duckdb'
import { join } from 'node:path'

const [url, level, group, folder] = process.argv.slice(2)
const startedAt = performance.now()
const { result, cohorts } = await runSync({
  connection: {
    ...{ url, level, groupIds: level === 'group' ? [group] : undefined },
    // Everything was written within the hour that is looked back by default.
    overlapMs: 0,
  },
  sink: new DuckDbSink({ path: join(folder, 'warehouse.duckdb') }),
  workDirectory: join(folder, 'work'),
})
const seconds = (performance.now() - startedAt) / 1000
const report = cohorts[0]?.reports.at(-1)
if (result !== 'committed' || report === undefined) {
  throw cohorts[0]?.error ?? new Error(`The sync was ${result}`)
}
const { user, system } = process.cpuUsage()
const types = report.landing?.types ?? []
console.log(
  JSON.stringify({
    seconds,
    kind: report.kind,
    exportSeconds: report.timings.exportMs / 1000,
    landingSeconds: report.timings.landingMs / 1000,
    processorSeconds: (user + system) / 1e6,
    received: types.reduce((sum, { received }) => sum + received, 0),
    written: types.reduce((sum, { inserted, updated }) => sum + inserted + updated, 0),
  }),
)
