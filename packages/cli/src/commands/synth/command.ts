import { integer, path, flag, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'

/** Options of `flatfhir synth`. */
export interface SynthOptions {
  readonly patients: number
  readonly seed: string | undefined
  readonly out: string
  readonly overwrite: boolean
}

const group = 'Population:'

/** `flatfhir synth`: writes a synthetic population. */
export const SYNTH_COMMAND: Command = defineCommand<SynthOptions>({
  name: 'synth',
  summary: 'Write a synthetic population as NDJSON',
  description:
    'Writes a made-up population of FHIR R4 resources, one NDJSON file per type. The same number of patients and the same seed give the same bytes on every machine. It is streamed: 100,000 patients need no more memory than 100.',
  options: {
    patients: { type: integer(1, 10_000_000), description: 'How many', required: true, group },
    seed: {
      type: text('SEED'),
      description: 'Another seed is another population',
      defaultText: 'a fixed seed',
      group,
    },
    out: {
      type: path('DIR'),
      description: 'Directory for the files; made where it is missing',
      required: true,
      group,
    },
    overwrite: {
      type: flag,
      description: 'Replace files of an earlier population in that directory',
      default: false,
      group,
    },
  },
  examples: [
    { line: 'flatfhir synth --patients 100 --out population', does: 'a hundred patients' },
    { line: 'flatfhir synth --patients 1000 --seed 7 --out p7', does: 'a thousand others' },
  ],
  run: async (options, context) => {
    const { runSynth } = await import('./run-synth.ts')
    return runSynth(options, context)
  },
})
