// Lands two runs again and again, and tells of each commit: node killed-commit.mjs '<JSON>'
import { writeSync } from 'node:fs'
import { DuckDbSink } from '@flatfhir/sink-duckdb'

const { path, cohort, states } = JSON.parse(process.argv[2])
const sink = new DuckDbSink({ path, threads: 1 })
for (let turn = 0; ; turn += 1) {
  const { name, files, transactionTime } = states[turn % states.length]
  const session = await sink.open()
  const { lastRunId } = await session.readState(cohort)
  const number = Number(lastRunId?.split('-')[1] ?? 0) + 1
  const startedAt = new Date(transactionTime)
  const run = { id: `${name}-${number}`, cohort, kind: 'full', startedAt, types: undefined }
  const landing = await session.begin(run)
  await landing.write(files, 'all')
  const roster = files.filter(({ type }) => type === 'Patient')
  await landing.setRoster(roster, startedAt)
  const inspection = await landing.inspect()
  const report = {
    ...{ reportVersion: 1, runId: run.id, ...cohort, kind: 'full', fullReasons: ['asked'] },
    ...{ result: 'committed', startedAt: transactionTime, finishedAt: transactionTime },
    ...{ transactionTime, exports: [], alarms: [], landing: inspection },
    timings: { exportMs: 0, landingMs: 0, totalMs: 0 },
  }
  writeSync(1, 'committing\n')
  const watermarks = [{ type: '*', filter: '', transactionTime: startedAt }]
  await landing.commit({ watermarks, report })
  writeSync(1, `${run.id}\n`)
  await landing[Symbol.asyncDispose]()
  await session[Symbol.asyncDispose]()
}
