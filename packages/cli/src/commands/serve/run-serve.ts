import { isLoopbackHost } from '@flatfhir/auth'
import { BulkDataError } from '@flatfhir/protocol'
import type { Logger } from 'pino'
import { UsageError } from '../../errors.ts'
import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { commandName } from '../../output/command-name.ts'
import { makeLogger } from '../../provider/logger.ts'
import type { ProviderAccess } from '../../provider/provider-access.ts'
import { startProvider, type RunningProvider } from '../../provider/start-provider.ts'
import { untilAborted } from '../../provider/until-aborted.ts'
import { withClients } from '../clients/registry.ts'
import type { CommandContext } from '../command.ts'
import type { ServeOptions } from './command.ts'
import { readEncryptionKeys } from './encryption-keys.ts'
import { readTlsFiles } from './tls-files.ts'

/** Runs `flatfhir serve` until a signal stops it. @returns the exit code. */
export async function runServe(options: ServeOptions, context: CommandContext): Promise<number> {
  const logger = makeLogger(context.io.stderr, options.logLevel)
  if (options.auth === 'none') {
    context.warn(
      'warning: --auth none: whoever can use this machine can read and change everything in the store',
    )
  }
  const tls = await readTlsFiles(options)
  if (tls !== undefined) requireNamedHost(options)
  await using provider = await startProvider({
    ...options,
    access: accessOf(options),
    exportEdition: options.exportEdition,
    maxBodyBytes: options.maxBodySize,
    jobs: options,
    tls,
    encryption: await readEncryptionKeys(options, context),
    logger,
  })
  const stopReloading =
    tls === undefined ? () => undefined : reloadOnHangUp(provider, { options, context, logger })
  try {
    await tellAddress(provider.fhirBaseUrl, options, context)
    await untilAborted(context.io.signal)
  } finally {
    stopReloading()
  }
  logger.info('stopping: running exports are parked and go on at the next start')
  return EXIT_COMPLETE
}

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])

/** URLs in answers, and the `aud` of assertions, need a name; an address for "all of them" is none. */
function requireNamedHost({ host, baseUrl }: ServeOptions): void {
  if (baseUrl !== undefined || !ANY_ADDRESS.has(host)) return
  throw new UsageError(
    `The URL of a server that listens on ${host} is not known`,
    'Give --base-url, for example https://bulk.example.org/fhir.',
  )
}

function accessOf(options: ServeOptions): ProviderAccess {
  if (options.auth === 'none') return { mode: 'none' }
  return {
    mode: 'smart',
    tokenLifetimeSeconds: Math.round(options.tokenLifetime / 1000),
    maxRequestsPerMinuteAndClient: options.maxTokensPerClient,
    maxRequestsPerMinuteAndAddress: options.maxTokensPerAddress,
    limits: {
      maxConcurrentJobs: options.maxJobsPerClient,
      maxPollsPerMinute: options.maxPollsPerJob,
      maxBytesPerDay: options.maxBytesPerClient,
    },
    jwksFrom: {
      // Who is served on this machine only has its keys there too.
      loopback: isLoopbackHost(options.host) && !options.trustProxy,
      privateNetworks: options.allowPrivateJwks,
    },
  }
}

interface Reloading {
  readonly options: ServeOptions
  readonly context: CommandContext
  readonly logger: Logger
}

/** @returns ends it. */
function reloadOnHangUp(
  provider: RunningProvider,
  { options, context, logger }: Reloading,
): () => void {
  const reload = async (): Promise<void> => {
    try {
      const tls = await readTlsFiles(options)
      if (tls !== undefined) provider.reloadTls(tls)
      logger.info('the TLS certificate was read again')
    } catch (error) {
      const reason = BulkDataError.is(error) ? error.message : 'unexpected failure'
      logger.error({ reason }, 'the TLS certificate could not be read again; the old one stays')
    }
  }
  return context.io.onHangUp(() => {
    void reload()
  })
}

async function tellAddress(
  fhirBaseUrl: string,
  { auth, data }: ServeOptions,
  context: CommandContext,
): Promise<void> {
  if (context.options.json) {
    context.print(JSON.stringify({ fhirBaseUrl }))
    return
  }
  const command = commandName(context.io.env)
  const login = auth === 'smart' ? ' --client-id ID --key my-keys.json' : ''
  context.print(
    `serving ${fhirBaseUrl} (try: ${command} export ${fhirBaseUrl} --system${login} --out export)`,
  )
  if (auth === 'smart' && (await hasNoClient(data))) {
    context.print(
      `no client is registered yet: ${command} keys create my-keys.json --jwks-out jwks.json, then ${command} clients add --name me --jwks jwks.json --scope "system/*.rs" --group "*" --data ${data}`,
    )
  }
}

async function hasNoClient(data: string): Promise<boolean> {
  return withClients(data, { make: false }, async (clients) => {
    const all = await clients.list()
    return all.every(({ revokedAt }) => revokedAt !== undefined)
  })
}
