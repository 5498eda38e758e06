// Pulls everything that a provider has about its patients into a folder, and says what came of it.
// Interrupt it as you like: the same command goes on where it stopped.
//
//   node examples/pull-and-check.mjs https://ehr.example.org/fhir ./everything
import { receiptText, runExport } from '@flatfhir/client'

const [url, directory] = process.argv.slice(2)
if (url === undefined || directory === undefined) {
  process.stderr.write('Usage: pull-and-check.mjs URL DIRECTORY\n')
  process.exit(2)
}

const stop = new AbortController()
process.once('SIGINT', () => stop.abort())

const report = await runExport({
  url,
  level: 'patient',
  directory,
  // Ctrl-C leaves the export with the provider, for the next time.
  onAbort: 'keep',
  signal: stop.signal,
  onEvent: (event) => {
    if (event.type === 'status-progress') process.stderr.write(`${event.progress ?? 'waiting'}\n`)
    if (event.type === 'download-finished') process.stderr.write(`${event.file.path}\n`)
  },
})

process.stdout.write(receiptText(report.receipt))
process.exitCode = report.verdict === 'complete' ? 0 : 3
