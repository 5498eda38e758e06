import { flag, path } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir receipt`. */
export interface ReceiptOptions {
  readonly dir: string
  readonly markdown: boolean
}

/** `flatfhir receipt`: what an export came to, for people and for scripts that go on from it. */
export const RECEIPT_COMMAND: Command = defineCommand<ReceiptOptions>({
  name: 'receipt',
  summary: 'Show what an export came to: verdict, files, problems',
  description:
    'Prints the receipt of an export that was collected, and asks nobody for anything. The exit code repeats the verdict: 0 complete, 3 incomplete, 1 failed.',
  options: {
    dir: {
      type: path('DIR'),
      description: 'Directory of the export',
      required: true,
      argument: true,
      group: 'Input:',
    },
    markdown: {
      type: flag,
      description: 'Print a Markdown page',
      default: false,
      group: 'Output:',
    },
  },
  examples: [
    { line: 'flatfhir receipt cohort', does: 'a summary' },
    { line: 'flatfhir receipt cohort --markdown > receipt.md', does: 'a page to keep or send' },
    { line: 'flatfhir receipt cohort --json', does: 'receipt.json, in one line' },
  ],
  run: async (options, context) => {
    const { runReceipt } = await import('./run-receipt.ts')
    return runReceipt(options, context)
  },
})
