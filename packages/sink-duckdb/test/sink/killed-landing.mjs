// Lands files and kills its own process at a point: node killed-landing.mjs '<JSON>'
import { DuckDbSink } from '@flatfhir/sink-duckdb'

const { path, run, files, deletions, report, point } = JSON.parse(process.argv[2])
const die = () => process.kill(process.pid, 'SIGKILL')
const session = await new DuckDbSink({ path }).open()
const landing = await session.begin({ ...run, startedAt: new Date(run.startedAt) })
await landing.write(files, 'all')
await landing.delete(deletions)
await landing.setRoster(files, new Date(run.startedAt))
if (point === 'staged') die()
await landing.inspect()
if (point === 'inspected') die()
const committed = landing.commit({ watermarks: [], report })
if (point === 'committing') setImmediate(die)
await committed
die()
