// Downloads an export in a process of its own, whose memory is the client's alone. Prints what it
// took as JSON. Arguments: FHIR base URL and folder.
import { readFileSync } from 'node:fs'
import { runExport } from '@flatfhir/client'

const [url, directory] = process.argv.slice(2)
let manifestAt
let firstFileMs

const startedAt = performance.now()
const report = await runExport({
  ...{ url, directory, level: 'system' },
  onEvent: ({ type }) => {
    if (type === 'manifest-page') manifestAt ??= performance.now()
    if (type === 'download-started') firstFileMs ??= performance.now() - manifestAt
  },
})
const seconds = (performance.now() - startedAt) / 1000
if (report.verdict !== 'complete') throw new Error(`The export is ${report.verdict}`)

const [, kib] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))
const { resources, bytes, files } = report
const memoryMb = (Number(kib) * 1024) / 1e6
console.log(
  JSON.stringify({ seconds, resources, bytes, files: files.length, memoryMb, firstFileMs }),
)
