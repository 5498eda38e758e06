import { flag, integer, path, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir demo`. */
export interface DemoOptions {
  readonly patients: number
  readonly seed: string | undefined
  readonly port: number
  readonly keep: boolean
  readonly data: string | undefined
}

const group = 'Demo:'

/** `flatfhir demo`: the main job, end to end, on made-up data. */
export const DEMO_COMMAND: Command = defineCommand<DemoOptions>({
  name: 'demo',
  summary: 'See the main job, end to end, on made-up data',
  description:
    'Makes a synthetic population, imports it, serves it on a free loopback port with SMART Backend Services on, makes a key, registers a client and logs in, exports it at system, Patient and Group level over real HTTP, downloads and checks every file, lands the Group in a DuckDB database (flatfhir sync), then changes some resources and who is in the Group, exports only the changes, and has the database follow. Everything happens in a temporary directory that is removed at the end.',
  options: {
    patients: {
      type: integer(1, 10_000_000),
      description: 'Size of the population',
      default: 200,
      group,
    },
    seed: {
      type: text('SEED'),
      description: 'Another seed is another population',
      defaultText: 'a fixed seed',
      group,
    },
    port: {
      type: integer(0, 65_535),
      description: 'Port to listen on; 0 takes a free one',
      default: 0,
      group,
    },
    keep: {
      type: flag,
      description: 'Leave the server running at the end, and keep the files',
      default: false,
      group,
    },
    data: {
      type: path('DIR'),
      description: 'Work in this directory, which must be empty or missing, and keep the files',
      defaultText: 'a temporary directory',
      group,
    },
  },
  examples: [
    { line: 'flatfhir demo', does: '200 patients, in some seconds' },
    { line: 'flatfhir demo --patients 2000 --keep', does: 'more of them, to play with afterwards' },
  ],
  run: async (options, context) => {
    const { runDemo } = await import('./run-demo.ts')
    return runDemo(options, context)
  },
})
