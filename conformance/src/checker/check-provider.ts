import { systemClock, type Clock } from '@flatfhir/auth'
import { isResourceType } from '@flatfhir/protocol'
import type { Check } from './check.ts'
import { DEFAULT_CHECK_LIMITS, type CheckLimits, type CheckOptions } from './check-options.ts'
import type { CheckOutcome, CheckReport, CheckResult } from './check-report.ts'
import { CheckHttp } from './check-http.ts'
import { ALL_CHECKS } from './checks/all-checks.ts'
import {
  CheckOptionsInvalidError,
  CheckProviderUnreachableError,
  NoAnswerError,
  SkipCheck,
} from './errors.ts'
import { Exports } from './exports.ts'
import { Findings } from './findings.ts'
import { printable } from './printable.ts'
import { Session } from './session.ts'

/**
 * Looks at a Data Provider from outside, requirement by requirement.
 *
 * The run reads and exports, and writes nothing. It keeps exports small (`type`, `since`), stays
 * within its limits, and deletes every export that it has started, also when it is stopped. The
 * report holds no data of patients, tokens or bodies.
 *
 * @returns The report; with verdict `stopped` when the signal or the time limit ended the run.
 * @throws CheckOptionsInvalidError
 * @throws CheckProviderUnreachableError when the server gives no answer at all.
 */
export async function checkProvider(options: CheckOptions): Promise<CheckReport> {
  return await new CheckRun(options).run()
}

class CheckRun {
  readonly #options: CheckOptions
  readonly #clock: Clock
  readonly #baseUrl: URL
  readonly #stopped: () => boolean
  readonly #http: CheckHttp
  readonly #exports: Exports
  readonly #session: Session
  readonly #results: CheckResult[] = []

  constructor(options: CheckOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#baseUrl = checkedBaseUrl(options)
    const limits = checkedLimits(options.limits)
    const timeout = AbortSignal.timeout(limits.totalMs)
    const signal =
      options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    this.#stopped = () => signal.aborted
    const { accessToken, headers = {}, dispatcher, groupId, onEvent = () => undefined } = options
    const shared = { baseUrl: this.#baseUrl, limits, signal }
    const http = new CheckHttp({ ...shared, accessToken, headers, dispatcher })
    this.#http = http
    this.#exports = new Exports({ ...shared, groupId, http, clock: this.#clock, onEvent })
    this.#session = new Session({
      ...{ ...shared, groupId, http, exports: this.#exports, now: () => this.#clock.now() },
      ...{ login: options.login, levels: options.levels, since: options.since },
      type: options.type ?? 'Patient',
    })
  }

  async run(): Promise<CheckReport> {
    const startedAt = this.#clock.now()
    try {
      await this.#requireReachable()
      for (const check of this.#checks()) {
        if (this.#stopped()) break
        await this.#runCheck(check)
      }
    } finally {
      await this.#exports.deleteAll()
    }
    return await this.#report(startedAt)
  }

  #checks(): readonly Check[] {
    const { only } = this.#options
    return only === undefined ? ALL_CHECKS : ALL_CHECKS.filter(({ id }) => only.includes(id))
  }

  async #requireReachable(): Promise<void> {
    try {
      await this.#session.metadata()
    } catch (error) {
      if (this.#stopped()) return
      if (!(error instanceof NoAnswerError)) throw error
      throw new CheckProviderUnreachableError(this.#baseUrl.origin, error.why)
    }
  }

  async #runCheck(check: Check): Promise<void> {
    const { onEvent } = this.#options
    onEvent?.({ type: 'check-started', check: check.id, title: check.title })
    const findings = new Findings()
    const startedMs = this.#clock.now().getTime()
    const reason = await this.#reasonAfter(check, findings)
    const outcome = findings.outcome ?? (reason === undefined ? 'pass' : 'skipped')
    if (reason !== undefined && outcome !== 'skipped') findings.note(reason)
    const result: CheckResult = {
      ...{ check: check.id, title: check.title, outcome },
      ...{ findings: findings.all, notes: findings.notes },
      ...(outcome === 'skipped' && reason !== undefined && { reason }),
      durationMs: this.#clock.now().getTime() - startedMs,
    }
    this.#results.push(result)
    onEvent?.({ type: 'check-finished', result })
  }

  /** @returns why the check did not come to its end, when it did not. */
  async #reasonAfter(check: Check, findings: Findings): Promise<string | undefined> {
    try {
      await check.run(this.#session, findings)
      return undefined
    } catch (error) {
      if (this.#stopped()) return 'The run was stopped'
      if (error instanceof SkipCheck) return printable(error.message, 240)
      if (error instanceof NoAnswerError) return noAnswer(findings, error)
      throw error
    }
  }

  async #report(startedAt: Date): Promise<CheckReport> {
    const count = (outcome: CheckOutcome): number =>
      this.#results.filter((result) => result.outcome === outcome).length
    const counts = {
      ...{ pass: count('pass'), fail: count('fail') },
      ...{ warning: count('warning'), skipped: count('skipped') },
    }
    const software = this.#stopped() ? undefined : (await this.#session.capabilities())?.software
    const verdict = counts.fail > 0 ? 'fail' : 'pass'
    return {
      formatVersion: 1,
      url: this.#baseUrl.href.replace(/\/$/, ''),
      ...(software !== undefined && { software: printable(software) }),
      startedAt: startedAt.toISOString(),
      finishedAt: this.#clock.now().toISOString(),
      verdict: this.#stopped() ? 'stopped' : verdict,
      counts,
      effort: {
        ...{ requests: this.#http.requests, kickOffs: this.#exports.kickOffs },
        ...{ bytes: this.#http.bytes, leftBehind: this.#exports.undeleted },
      },
      checks: this.#results,
    }
  }
}

/** A request without an answer is the finding of the requirement that every answer is one of. */
function noAnswer(findings: Findings, { why }: NoAnswerError): string {
  findings.unanswered(why)
  return `A request got no answer: ${why}`
}

function checkedBaseUrl({ url, groupId, levels, type }: CheckOptions): URL {
  const invalid = (message: string): Error => new CheckOptionsInvalidError(message)
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) {
    throw invalid('The URL of the server must be an absolute http or https URL')
  }
  if (levels?.includes('group') === true && groupId === undefined) {
    throw invalid('Group level exports need the id of a Group')
  }
  if (levels?.length === 0) throw invalid('levels is empty: leave it out to try all of them')
  if (type !== undefined && !isResourceType(type)) throw invalid('type is no type of FHIR R4')
  const base = new URL(url)
  const { search, hash, username, password } = base
  if (`${search}${hash}${username}${password}` !== '') {
    throw invalid('The URL of the server must have no query, fragment or credentials')
  }
  base.pathname = base.pathname.replace(/\/+$/, '')
  return base
}

function checkedLimits(limits: Partial<CheckLimits> = {}): CheckLimits {
  const all = { ...DEFAULT_CHECK_LIMITS, ...limits }
  for (const [name, value] of Object.entries(all)) {
    if (!Number.isSafeInteger(value) || value < 1 || value > 2 ** 40) {
      throw new CheckOptionsInvalidError(`limits.${name} must be a whole number, 1 or more`)
    }
  }
  // A timer cannot be set to longer.
  return { ...all, totalMs: Math.min(all.totalMs, 2 ** 31 - 1) }
}
