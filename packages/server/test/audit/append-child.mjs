/*
 * A process that appends to an audit log: a number of records, or without end until it is killed.
 * Prints the id of each record once it is durable. JavaScript, because it runs without a build.
 */
import { FileAuditLog } from '@flatfhir/server'
import { SqliteFileLock } from '@flatfhir/store-sqlite'
import { writeSync } from 'node:fs'
import { join } from 'node:path'

const { directory, name, count, atOnce, maxFileBytes } = JSON.parse(process.argv[2])

const lock = await SqliteFileLock.open(join(directory, 'audit.lock'))
const log = await FileAuditLog.open({ directory, lock, maxFileBytes })
for (let done = 0; done < (count ?? Infinity); done += atOnce) {
  const ids = Array.from({ length: atOnce }, (_, n) => `${name}-${done + n}`)
  await Promise.all(
    ids.map(async (jobId) => {
      await log.record({ name: 'job-deleted', jobId, cause: 'requested' })
      writeSync(1, `${jobId}\n`)
    }),
  )
}
await log[Symbol.asyncDispose]()
