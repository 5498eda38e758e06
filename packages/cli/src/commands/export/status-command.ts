import { defineCommand, type Command } from '../command.ts'
import { STEP_OPTIONS, type StepOptions } from './step-options.ts'

/** `flatfhir export status`: one status request. */
export const EXPORT_STATUS_COMMAND: Command = defineCommand<StepOptions>({
  name: 'export status',
  summary: 'Ask once how far an export is, for schedulers',
  description:
    'Asks the provider once, and not before it wants to be asked again. The exit code is 0 when the files can be collected or are there, all checked; 4 while the provider works; 3 when they were collected and something is missing; 1 when nothing will come.',
  options: STEP_OPTIONS,
  examples: [
    { line: 'flatfhir export status weekly', does: 'how far it is' },
    { line: 'flatfhir export status weekly --json', does: 'the same as JSON' },
  ],
  run: async (options, context) => {
    const { runExportStatus } = await import('./run-steps.ts')
    return runExportStatus(options, context)
  },
})
