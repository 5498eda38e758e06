import { BulkDataError } from '@flatfhir/protocol'

/** What {@link formatError} may be told. */
export interface FormatErrorOptions {
  /** Add the stack, and the causes. */
  readonly verbose: boolean
}

/**
 * What a person reads when a command failed: one line with the cause and the next step.
 *
 * Messages of errors that are not ours are shown only where the operating system wrote them: a
 * parser's message quotes its input, which may be patient data.
 */
export function formatError(error: unknown, { verbose }: FormatErrorOptions): string {
  const line = `flatfhir: ${oneLine(summary(error))}\n`
  return verbose ? line + stackOf(error) : line
}

/** The error as a JSON object's fields. */
export function errorFields(error: unknown): Readonly<Record<string, string | undefined>> {
  if (BulkDataError.is(error)) {
    return { code: error.code, message: error.message, nextStep: error.nextStep }
  }
  return { code: 'UNEXPECTED', message: summary(error) }
}

function summary(error: unknown): string {
  if (BulkDataError.is(error)) {
    const nextStep = error.nextStep === undefined ? '' : ` ${error.nextStep}`
    return `${sentence(error.message)}${nextStep}${error.code === 'USAGE' ? '' : ` [${error.code}]`}`
  }
  if (isSystemError(error)) return `${sentence(error.message)} Check the path and its permissions.`
  const name = error instanceof Error ? error.name : typeof error
  const message = error instanceof Error && !quotesInput(error) ? `: ${error.message}` : ''
  return `${sentence(`Unexpected ${name}${message}`)} This is a defect of flatfhir: run it again with --verbose and report what it prints.`
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && 'code' in error
}

function quotesInput(error: Error): boolean {
  return error instanceof SyntaxError || error.name === 'SyntaxError'
}

function sentence(message: string): string {
  return /[.!?…]$/.test(message) ? message : `${message}.`
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ')
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const title = quotesInput(error) ? error.name : `${error.name}: ${error.message}`
  const own = [`  ${oneLine(title)}`, ...frames].join('\n')
  const cause = error.cause === undefined ? '' : `  caused by\n${stackOf(error.cause)}`
  return `${own}\n${cause}`
}
