import { delimiter } from 'node:path'
import { path, paths } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir import`. */
export interface ImportOptions {
  readonly paths: readonly string[]
  readonly data: string
}

const group = 'Import:'

/** `flatfhir import`: resources into the store. */
export const IMPORT_COMMAND: Command = defineCommand<ImportOptions>({
  name: 'import',
  summary: 'Put NDJSON files, Bundles or folders of them into the store',
  description:
    'Takes NDJSON files (plain or .gz), Bundles (collection, batch, transaction) and folders of them. The same content twice makes no new version. It works beside a running server. A bad line is reported as path:line: without its content, does not stop the rest, and makes the exit code 3.',
  options: {
    paths: {
      type: paths('PATH', delimiter),
      description: 'Files and folders to import',
      required: true,
      argument: true,
      group,
    },
    data: {
      type: path('DIR'),
      description: 'Data directory; made where it is missing',
      required: true,
      group,
    },
  },
  examples: [
    { line: 'flatfhir import population --data data', does: 'a whole folder' },
    { line: 'flatfhir import Patient.ndjson.gz bundle.json --data data', does: 'single files' },
  ],
  run: async (options, context) => {
    const { runImport } = await import('./run-import.ts')
    return runImport(options, context)
  },
})
