// Runs an export in a process of its own, which a test can kill. Argument: options as JSON.
import { runExport } from '@flatfhir/client'

const report = await runExport(JSON.parse(process.argv[2] ?? '{}'))
process.stdout.write(report.verdict)
