import { defineCommand, type Command } from '../command.ts'
import { STEP_OPTIONS, type StepOptions } from './step-options.ts'

/** `flatfhir export cancel`: the Delete Request alone. */
export const EXPORT_CANCEL_COMMAND: Command = defineCommand<StepOptions>({
  name: 'export cancel',
  summary: 'Delete an export at the provider; files that are on disk stay',
  description:
    'Sends the Delete Request, once. The exit code is 0 when nothing of the export is left at the provider.',
  options: STEP_OPTIONS,
  examples: [{ line: 'flatfhir export cancel weekly', does: 'give the export up' }],
  run: async (options, context) => {
    const { runExportCancel } = await import('./run-steps.ts')
    return runExportCancel(options, context)
  },
})
