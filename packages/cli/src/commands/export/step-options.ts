import { LOGIN_OPTIONS, type LoginOptions } from '../../login/login-options.ts'
import type { OptionTable } from '../../options/option-table.ts'
import { path } from '../../options/value-types.ts'
import { REQUEST_OPTIONS, type RequestOptions } from './network-options.ts'

/** Options of the commands that work on an export that was started before. */
export interface StepOptions extends LoginOptions, RequestOptions {
  readonly dir: string
}

/** The table of {@link StepOptions}. */
export const STEP_OPTIONS: OptionTable<StepOptions> = {
  dir: {
    type: path('DIR'),
    description: 'Directory of the export',
    required: true,
    argument: true,
    group: 'Files:',
  },
  ...LOGIN_OPTIONS,
  ...REQUEST_OPTIONS,
}
