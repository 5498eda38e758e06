import { EXIT_COMPLETE } from '../../exit-codes.ts'
import { makeLogger } from '../../provider/logger.ts'
import { startProvider } from '../../provider/start-provider.ts'
import { commandName } from '../../output/command-name.ts'
import { untilAborted } from '../../provider/until-aborted.ts'
import type { CommandContext } from '../command.ts'
import type { ServeOptions } from './command.ts'

/** Runs `flatfhir serve` until a signal stops it. @returns the exit code. */
export async function runServe(options: ServeOptions, context: CommandContext): Promise<number> {
  const logger = makeLogger(context.io.stderr, options.logLevel)
  await using provider = await startProvider({
    data: options.data,
    host: options.host,
    port: options.port,
    baseUrl: options.baseUrl,
    maxBodyBytes: options.maxBodySize,
    jobs: options,
    logger,
  })
  tellAddress(provider.fhirBaseUrl, context)
  await untilAborted(context.io.signal)
  logger.info('stopping: running exports are parked and go on at the next start')
  return EXIT_COMPLETE
}

function tellAddress(fhirBaseUrl: string, context: CommandContext): void {
  const command = commandName(context.io.env)
  context.print(
    context.options.json
      ? JSON.stringify({ fhirBaseUrl })
      : `serving ${fhirBaseUrl} (try: ${command} export ${fhirBaseUrl} --system --out export)`,
  )
}
