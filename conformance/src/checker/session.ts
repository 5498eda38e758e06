import type { ExportLevel } from '@flatfhir/protocol'
import { below } from './below.ts'
import { readCapabilities, type Capabilities } from './capabilities.ts'
import type { CheckAnswer, CheckHttp } from './check-http.ts'
import type { CheckLimits, CheckLogin } from './check-options.ts'
import { SkipCheck } from './errors.ts'
import type { Exports, FinishedExport, StartedExport } from './exports.ts'
import { isJsonObject } from './json.ts'
import { smallQuery, type KickOff } from './kick-off-request.ts'

/** What checks are told to work with. */
export interface SessionOptions {
  readonly baseUrl: URL
  readonly http: CheckHttp
  readonly exports: Exports
  readonly limits: CheckLimits
  readonly now: () => Date
  readonly signal: AbortSignal
  readonly login: CheckLogin | undefined
  readonly levels: readonly ExportLevel[] | undefined
  readonly groupId: string | undefined
  readonly type: string
  readonly since: Date | undefined
}

/** The export that most checks look at, from its kick-off on. */
export interface MainExport {
  readonly kickOff: KickOff
  readonly answer: CheckAnswer
  readonly started: StartedExport | undefined
}

/** An answer, and what it was an answer to. */
export interface Document {
  readonly answer: CheckAnswer
  readonly json: Readonly<Record<string, unknown>> | undefined
}

/** What the checks of one run share: each document and the main export are fetched once. */
export class Session {
  readonly options: SessionOptions
  #metadata: Promise<Document> | undefined
  #smart: Promise<Document> | undefined
  #main: Promise<MainExport> | undefined
  #finished: Promise<FinishedExport> | undefined

  constructor(options: SessionOptions) {
    this.options = options
  }

  get http(): CheckHttp {
    return this.options.http
  }

  get exports(): Exports {
    return this.options.exports
  }

  /** A URL below the FHIR base. */
  at(path: string): URL {
    return below(this.options.baseUrl, path)
  }

  /** The answer to `metadata`. */
  async metadata(): Promise<Document> {
    this.#metadata ??= this.#document('metadata', 'application/fhir+json')
    return await this.#metadata
  }

  /** The answer to `.well-known/smart-configuration`. */
  async smartConfiguration(): Promise<Document> {
    this.#smart ??= this.#document('.well-known/smart-configuration', 'application/json')
    return await this.#smart
  }

  /** `undefined` without a CapabilityStatement. */
  async capabilities(): Promise<Capabilities | undefined> {
    return readCapabilities((await this.metadata()).json)
  }

  /** The levels to try; never empty. */
  async levels(): Promise<readonly ExportLevel[]> {
    const { levels, groupId } = this.options
    if (levels !== undefined) return levels
    const claimed = (await this.capabilities())?.levels ?? []
    const usable = claimed.filter((level) => level !== 'group' || groupId !== undefined)
    if (usable.length > 0) return usable
    return [groupId === undefined ? 'system' : 'group']
  }

  /** A kick-off that asks for little, at the first level; `extra` comes after. */
  async smallKickOff(extra: readonly (readonly [string, string])[] = []): Promise<KickOff> {
    const [level = 'system'] = await this.levels()
    const { type, since } = this.options
    return { level, query: [...smallQuery(type, since), ...extra] }
  }

  /** Kicks the main export off, the first time that it is asked for. */
  async main(): Promise<MainExport> {
    this.#main ??= this.#kickOffMain()
    return await this.#main
  }

  /**
   * The main export, complete.
   *
   * @throws SkipCheck when it cannot be had.
   */
  async finishedMain(): Promise<FinishedExport> {
    this.#finished ??= this.#finishMain()
    return await this.#finished
  }

  /** The manifest of the main export. @throws SkipCheck when it cannot be had. */
  async manifest(): Promise<Readonly<Record<string, unknown>>> {
    const { manifest } = await this.finishedMain()
    if (manifest === undefined) throw new SkipCheck('The export has no manifest')
    return manifest
  }

  /**
   * Runs an export of its own to its end and deletes it.
   *
   * @returns `undefined` manifest when the kick-off was refused.
   */
  async export<T>(
    kickOff: KickOff,
    use: (answer: CheckAnswer, finished: FinishedExport | undefined) => Promise<T>,
  ): Promise<T> {
    const answer = await this.exports.kickOff(kickOff)
    const started = this.exports.startedBy(kickOff, answer)
    if (started === undefined) return await use(answer, undefined)
    try {
      return await use(answer, await this.exports.finish(started))
    } finally {
      await this.#deleteQuietly(started)
    }
  }

  /** Sends a kick-off only to see the answer; what it starts is deleted. */
  async tryKickOff(kickOff: KickOff): Promise<CheckAnswer> {
    const answer = await this.exports.kickOff(kickOff)
    const started = this.exports.startedBy(kickOff, answer)
    if (started !== undefined) await this.#deleteQuietly(started)
    return answer
  }

  async #deleteQuietly(started: StartedExport): Promise<void> {
    // One that stays is tried again at the end of the run; the check has its result already.
    await this.exports.delete(started).catch(() => undefined)
  }

  async #kickOffMain(): Promise<MainExport> {
    const kickOff = await this.smallKickOff()
    const answer = await this.exports.kickOff(kickOff)
    if (answer.status === 401 && !this.http.hasToken) {
      throw new SkipCheck('The server asks for a token, and the run was given none')
    }
    return { kickOff, answer, started: this.exports.startedBy(kickOff, answer) }
  }

  async #finishMain(): Promise<FinishedExport> {
    const { started, answer } = await this.main()
    if (started === undefined) {
      throw new SkipCheck(`No export could be kicked off (HTTP ${answer.status})`)
    }
    return await this.exports.finish(started)
  }

  async #document(path: string, accept: string): Promise<Document> {
    const answer = await this.http.ask({ url: this.at(path), token: 'none', headers: { accept } })
    const found = answer.status === 200 && isJsonObject(answer.json)
    return { answer, json: found ? answer.json : undefined }
  }
}
