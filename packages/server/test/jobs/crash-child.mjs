/*
 * A process that runs export jobs until it is killed, for crash tests. Prints one line of JSON per
 * event. JavaScript, because it runs without a build of its own.
 */
import { DirectoryOutputFileStore, ExportJobs } from '@flatfhir/server'
import { SqliteJobStore } from '@flatfhir/store-sqlite'
import { writeSync } from 'node:fs'
import { join } from 'node:path'

const { directory, plan, kickOff, options } = JSON.parse(process.argv[2])

const exportJobs = await ExportJobs.start({
  resources: {
    partitionReader: {
      url: new URL('./generated-partition-reader.mjs', import.meta.url).href,
      options: { directory },
    },
    takeSnapshot: async () => ({ transactionTime: new Date(), position: '1' }),
    planExport: async () => plan,
    prune: async () => undefined,
  },
  jobs: await SqliteJobStore.open({ path: join(directory, 'jobs.sqlite') }),
  files: new DirectoryOutputFileStore(join(directory, 'files')),
  workers: 2,
  minimumInProgressMs: 0,
  onEvent: print,
  ...options,
})
if (kickOff !== undefined) await exportJobs.kickOff(kickOff)
// Lives until it is killed.
setInterval(() => undefined, 60_000)

function print(event) {
  writeSync(1, `${JSON.stringify(event)}\n`)
}
