import { join } from 'node:path'
import { importResources, type ImportSummary } from '@flatfhir/store-sqlite'
import { writePopulation, type PopulationSummary } from '@flatfhir/synth'
import { DemoCheckFailedError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { commandName } from '../../output/command-name.ts'
import {
  formatCount,
  formatMegabytes,
  formatQuantity,
  formatSeconds,
} from '../../output/format-number.ts'
import { importProgress } from '../../output/import-progress.ts'
import { synthProgress } from '../../output/synth-progress.ts'
import { makeLogger } from '../../provider/logger.ts'
import { startProvider, type RunningProvider } from '../../provider/start-provider.ts'
import { untilAborted } from '../../provider/until-aborted.ts'
import type { CommandContext } from '../command.ts'
import { DEFAULT_EXPORT_JOBS_FLAGS } from '../serve/command.ts'
import type { DemoOptions } from './command.ts'
import { makeChanges, type DemoChanges } from './demo-changes.ts'
import { checkDelta, readDelta, type DemoDelta } from './demo-delta.ts'
import { demoDirectory } from './demo-directory.ts'
import { logIn, registerDemoClient, type DemoClient, type DemoLogin } from './demo-login.ts'
import { demoExport, DEMO_GROUP, type DemoExport, type DemoExportPlaces } from './demo-exports.ts'
import { changeRoster, type DemoRosterChange } from './demo-roster.ts'
import { checkSync, DEMO_QUERY, DemoWarehouse, type DemoSyncRun } from './demo-sync.ts'
import {
  changesText,
  deltaText,
  exportsTable,
  firstSyncText,
  nextSyncText,
  reconcileText,
  stepLine,
} from './demo-text.ts'

/** Runs `flatfhir demo`. @returns the exit code. */
export async function runDemo(options: DemoOptions, context: CommandContext): Promise<number> {
  const directory = await demoDirectory(options.data)
  let keep = options.data !== undefined
  try {
    await new Demo(options, context, directory.path).run()
    keep ||= options.keep
    return EXIT_COMPLETE
  } finally {
    if (!keep) await directory.remove()
  }
}

/** The demo, step by step; what a step needs of an earlier one is handed on. */
class Demo {
  readonly #options: DemoOptions
  readonly #context: CommandContext
  readonly #directory: string
  readonly #startedAt = performance.now()

  constructor(options: DemoOptions, context: CommandContext, directory: string) {
    this.#options = options
    this.#context = context
    this.#directory = directory
  }

  async run(): Promise<void> {
    const { style } = this.#context
    this.#say(
      `${style.bold('flatfhir demo')}: ${formatQuantity(this.#options.patients, 'made-up patient')}, from NDJSON into a store, out by $export, and onto disk`,
      '',
    )
    const population = await this.#makePopulation()
    await this.#import(population)
    const client = await this.#register()
    await using provider = await this.#serve()
    const { fhirBaseUrl } = provider
    const login = await this.#logIn(client, fhirBaseUrl)
    const places = {
      fhirBaseUrl,
      accessToken: login.forExports,
      directory: join(this.#directory, 'exports'),
    }
    const exports = await this.#exportEverything(places, population)
    const warehouse = await DemoWarehouse.make(
      this.#directory,
      { fhirBaseUrl, client },
      this.#context,
    )
    const first = await this.#firstSync(warehouse)
    const changed = await this.#exportChanges(places, { exports, login })
    const synced = await this.#followChanges(warehouse, changed.roster)
    this.#tellResult({
      fhirBaseUrl,
      client,
      population,
      exports,
      ...changed,
      first,
      ...synced,
      warehouse,
    })
    if (this.#options.keep) await this.#keepServing(provider, client, warehouse)
  }

  async #makePopulation(): Promise<PopulationSummary> {
    const { patients, seed } = this.#options
    const begunAt = performance.now()
    const population = await writePopulation({
      patients,
      directory: join(this.#directory, 'population'),
      ...(seed === undefined ? {} : { seed }),
      signal: this.#context.io.signal,
      onProgress: synthProgress(this.#context.progress, patients),
    })
    const what = `${formatCount(population.resourceCount)} FHIR R4 resources of ${population.files.length} types, ${formatMegabytes(population.bytes)} MB`
    this.#say(stepLine('population', what, (performance.now() - begunAt) / 1000))
    return population
  }

  async #import(population: PopulationSummary): Promise<void> {
    const summary = await importResources({
      directory: this.#data,
      paths: [join(this.#directory, 'population')],
      signal: this.#context.io.signal,
      onProgress: importProgress(this.#context.progress),
      onProblem: ({ message }) => {
        this.#context.warn(`import: ${message}`)
      },
    })
    checkImport(summary, population)
    const speed = formatCount(summary.resources / Math.max(0.001, summary.seconds))
    const what = `${formatCount(summary.created)} resources into the store, ${speed}/s`
    this.#say(stepLine('import', what, summary.seconds))
  }

  async #register(): Promise<DemoClient> {
    const begunAt = performance.now()
    const client = await registerDemoClient({ directory: this.#directory, data: this.#data })
    const what = `a key pair (${client.key.algorithm}), and a client registered with its public half`
    this.#say(stepLine('client', what, (performance.now() - begunAt) / 1000))
    return client
  }

  async #logIn(client: DemoClient, fhirBaseUrl: string): Promise<DemoLogin> {
    const begunAt = performance.now()
    const login = await logIn(client, fhirBaseUrl, this.#context.io.signal)
    const what = 'without a token refused (401); logged in by SMART Backend Services'
    this.#say(stepLine('login', what, (performance.now() - begunAt) / 1000))
    return login
  }

  async #serve(): Promise<RunningProvider> {
    const begunAt = performance.now()
    const provider = await startProvider({
      data: this.#data,
      access: { mode: 'smart' },
      host: '127.0.0.1',
      port: this.#options.port,
      // Certifiers want to see an export in progress; who watches a demo does not.
      jobs: { ...DEFAULT_EXPORT_JOBS_FLAGS, minimumInProgress: 0 },
      logger: makeLogger(this.#context.io.stderr, 'error'),
    })
    this.#say(
      stepLine(
        'server',
        `${provider.fhirBaseUrl}, SMART Backend Services on`,
        (performance.now() - begunAt) / 1000,
      ),
    )
    return provider
  }

  async #exportEverything(
    places: DemoExportPlaces,
    population: PopulationSummary,
  ): Promise<readonly DemoExport[]> {
    const exports: DemoExport[] = []
    for (const level of ['system', 'patient', 'group'] as const) {
      exports.push(await demoExport({ name: level, level }, places, this.#context))
    }
    const [system] = exports
    if (system?.report.resources !== population.resourceCount) {
      throw new DemoCheckFailedError('The system export does not hold what was imported')
    }
    this.#say(
      '',
      `Exported over HTTP, downloaded and checked (the Group is ${DEMO_GROUP}):`,
      '',
      ...exportsTable(exports, this.#context.style).map((line) => `  ${line}`),
      '',
      `  ${this.#context.style.dim('Up to a second of each is the wait that the provider asks for before it is asked again.')}`,
      '',
    )
    return exports
  }

  async #exportChanges(
    places: DemoExportPlaces,
    { exports, login }: { readonly exports: readonly DemoExport[]; readonly login: DemoLogin },
  ): Promise<DemoChanged> {
    const [system] = exports
    const group = exports.at(-1)
    if (system === undefined || group === undefined) {
      throw new DemoCheckFailedError('There is no system export')
    }
    const server = {
      fhirBaseUrl: places.fhirBaseUrl,
      accessToken: login.forWrites,
      signal: this.#context.io.signal,
    }
    const { report: before, directory: from } = group
    const roster = await changeRoster(system, server)
    const changes = await makeChanges({ server, report: before, directory: from, roster })
    this.#say(
      'Then data changes, by PUT and DELETE, and only the changes are exported:',
      '',
      stepLine('changed', changesText(changes)),
    )
    const since = system.report.transactionTime
    const { report, directory } = await demoExport(
      { name: 'since', level: 'system', since },
      places,
      this.#context,
    )
    const delta = await readDelta(report, directory)
    checkDelta(delta, changes)
    const same = 'exactly what was changed, at the versions that were written, nothing else'
    this.#say(
      stepLine('exported', deltaText(delta, since), report.timings.totalMs / 1000),
      stepLine('compared', this.#context.style.green(same)),
    )
    return { changes, delta, roster }
  }

  async #firstSync(warehouse: DemoWarehouse): Promise<DemoSyncRun> {
    const first = await warehouse.sync()
    this.#say(
      `A warehouse is to follow the Group (flatfhir sync), and gets everything of it:`,
      '',
      stepLine('first sync', firstSyncText(first), first.seconds),
      '',
    )
    return first
  }

  async #followChanges(
    warehouse: DemoWarehouse,
    roster: DemoRosterChange | undefined,
  ): Promise<{ readonly second: DemoSyncRun; readonly reconciled: DemoSyncRun }> {
    const { style } = this.#context
    const second = await warehouse.sync()
    const reconciled = await warehouse.sync({ full: true })
    checkSync({ second, reconciled }, roster)
    this.#say(
      '',
      'And the warehouse follows:',
      '',
      stepLine('next sync', nextSyncText(second), second.seconds),
      stepLine('reconcile', style.green(reconcileText(reconciled)), reconciled.seconds),
      stepLine('query', DEMO_QUERY),
      '',
      ...(await warehouse.ask()).map((line) => `    ${line}`),
    )
    return { second, reconciled }
  }

  #tellResult(result: DemoResult): void {
    const seconds = (performance.now() - this.#startedAt) / 1000
    this.#say(
      '',
      `${this.#context.style.bold('Everything checked')} in ${formatSeconds(seconds)}, with SMART on: every request with a token of a registered client.`,
    )
    if (this.#context.options.json)
      this.#context.print(JSON.stringify(resultObject(result, seconds)))
  }

  async #keepServing(
    provider: RunningProvider,
    client: DemoClient,
    warehouse: DemoWarehouse,
  ): Promise<void> {
    const { io, style, options } = this.#context
    const url = provider.fhirBaseUrl
    const command = commandName(io.env)
    if (!options.json) {
      this.#say(
        '',
        `The server keeps running until Ctrl-C; the files stay in ${this.#directory}. In another terminal, try:`,
        '',
        ...[
          `${command} export ${url} --group ${DEMO_GROUP} --type Patient,Condition --client-id ${client.client.clientId} --key ${client.keyFile} --out cohort`,
          `${command} query ${warehouse.path} "SELECT * FROM latest_vital_signs LIMIT 10"`,
          `${command} sync run ${warehouse.connection.path}`,
          `${command} audit verify --data ${this.#data}`,
          `curl -s ${url}/.well-known/smart-configuration`,
        ].map((line) => `  ${style.cyan(line)}`),
      )
    }
    await untilAborted(io.signal)
  }

  get #data(): string {
    return join(this.#directory, 'data')
  }

  #say(...lines: readonly string[]): void {
    if (this.#context.options.json) return
    for (const line of lines) this.#context.print(line)
  }
}

interface DemoChanged {
  readonly changes: DemoChanges
  readonly delta: DemoDelta
  readonly roster: DemoRosterChange | undefined
}

interface DemoResult extends DemoChanged {
  readonly fhirBaseUrl: string
  readonly client: DemoClient
  readonly population: PopulationSummary
  readonly exports: readonly DemoExport[]
  readonly first: DemoSyncRun
  readonly second: DemoSyncRun
  readonly reconciled: DemoSyncRun
  readonly warehouse: DemoWarehouse
}

function resultObject(result: DemoResult, seconds: number): object {
  const { fhirBaseUrl, client, population, exports, changes, delta, warehouse } = result
  return {
    population: { resources: population.resourceCount, bytes: population.bytes },
    exports: exports.map(({ name, report }) => ({
      level: name,
      verdict: report.verdict,
      resources: report.resources,
      bytes: report.bytes,
      seconds: report.timings.totalMs / 1000,
    })),
    fhirBaseUrl,
    access: {
      mode: 'smart',
      clientId: client.client.clientId,
      algorithm: client.key.algorithm,
      keyFile: client.keyFile,
    },
    changes: { updated: changes.updated.size, deleted: changes.deleted.size },
    delta: { resources: delta.resources.size, deleted: delta.deleted.size },
    sync: {
      connection: warehouse.connection.path,
      duckdb: warehouse.path,
      first: syncJson(result.first),
      next: syncJson(result.second),
      reconciled: syncJson(result.reconciled),
    },
    seconds,
  }
}

function syncJson({ report, sums, seconds }: DemoSyncRun): object {
  return { kind: report.kind, roster: report.landing?.roster, ...sums, seconds }
}

function checkImport(summary: ImportSummary, population: PopulationSummary): void {
  if (summary.problems > 0 || summary.created !== population.resourceCount) {
    throw new DemoCheckFailedError('The store did not take all of the population')
  }
}
