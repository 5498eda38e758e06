import {
  checkProvider,
  renderReport,
  type CheckLogin,
  type CheckOutcome,
} from '@flatfhir/conformance'
import { EXIT_COMPLETE, EXIT_FAILED, EXIT_INCOMPLETE } from '../../exit-codes.ts'
import { writeFileAtomically } from '../../files/write-file-atomically.ts'
import { login, type LoginCredentials } from '../../login/login.ts'
import { outputWidth } from '../../output/output-width.ts'
import type { CommandContext } from '../command.ts'
import { readHeaders } from '../export/read-headers.ts'
import type { CheckCommandOptions } from './command.ts'

const COLORS = { pass: 'green', fail: 'red', warning: 'yellow', skipped: 'dim' } as const

/** Runs `flatfhir check`. @returns the exit code. */
export async function runCheck(
  options: CheckCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { url, group, type, since, only, format, out } = options
  const level = group === undefined ? 'system' : 'group'
  // Every type: exports of a type that there is not are to be refused by the server, not by scopes.
  const session = login(options, async () => ({ fhirBaseUrl: url, level }), context)
  const credentials = await session.credentials()
  const report = await checkProvider({
    ...{ url, groupId: group, type, since, only, accessToken: session.accessToken },
    login: credentials === undefined ? undefined : checkLogin(credentials),
    headers: readHeaders(options.header ?? []),
    limits: {
      totalMs: options.timeout,
      exportMs: options.exportTimeout,
      kickOffs: options.maxKickOffs,
    },
    signal: context.io.signal,
    onEvent: (event) => {
      if (event.type !== 'check-started') return
      context.progress.update({ text: event.title, event: 'check-started' })
    },
  })
  const { style } = context
  const color = (outcome: CheckOutcome, written: string): string => style[COLORS[outcome]](written)
  const width = outputWidth(context.io.stdout, 80)
  const form = context.options.json ? 'json' : format
  const text = renderReport(report, form, {
    ...(out === undefined && { width, color }),
    verbose: context.options.verbose,
  })
  if (out === undefined) context.print(text.trimEnd())
  else await writeFileAtomically(out, text)
  if (report.effort.leftBehind > 0) {
    context.warn(`warning: ${report.effort.leftBehind} exports could not be deleted at the server`)
  }
  return { pass: EXIT_COMPLETE, fail: EXIT_INCOMPLETE, stopped: EXIT_FAILED }[report.verdict]
}

function checkLogin({ scope, ...login }: LoginCredentials): CheckLogin {
  return { ...login, ...(scope !== undefined && { scope }) }
}
