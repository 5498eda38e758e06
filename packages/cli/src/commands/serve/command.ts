import type { Edition } from '@flatfhir/protocol'
import { mergeOptions } from '../../options/merge-options.ts'
import type { OptionTable } from '../../options/option-table.ts'
import { choice, duration, integer, path, size, text } from '../../options/value-types.ts'
import { defineCommand, type Command } from '../command.ts'
import { ACCESS_FLAGS, LIMIT_FLAGS, type AccessFlags, type LimitFlags } from './access-options.ts'

/** How export jobs run; shared by every command that starts a Data Provider. */
export interface ExportJobsFlags {
  readonly compression: 'gzip' | 'none'
  readonly gzipLevel: number
  readonly maxFileSize: number
  readonly partitionSize: number | undefined
  readonly workers: number | undefined
  readonly retention: number
  readonly minimumInProgress: number
  readonly keepVersions: number
  readonly partitionAttempts: number
}

const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** Levels of the log, most severe first; `silent` is none. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Options of `flatfhir serve`. */
export interface ServeOptions extends ExportJobsFlags, AccessFlags, LimitFlags {
  readonly data: string
  readonly host: string
  readonly port: number
  readonly baseUrl: string | undefined
  readonly exportEdition: Edition
  readonly maxBodySize: number
  readonly logLevel: LogLevel
}

const server = 'Server:'
const jobs = 'Export jobs:'

const HOUR_MS = 3_600_000
const MEBIBYTE = 2 ** 20

/** The table of {@link ExportJobsFlags}. */
export const EXPORT_JOBS_FLAGS: OptionTable<ExportJobsFlags> = {
  compression: {
    type: choice('gzip', 'none'),
    description: 'How output files are stored; clients get either form whatever is stored',
    default: 'gzip',
    group: jobs,
  },
  gzipLevel: {
    type: integer(1, 9),
    description: 'From fast and larger (1) to slow and smaller (9)',
    default: 1,
    group: jobs,
  },
  maxFileSize: {
    type: size,
    description: 'Largest output file, uncompressed; one larger resource has a file of its own',
    default: 256 * MEBIBYTE,
    group: jobs,
  },
  partitionSize: {
    type: size,
    description: 'Largest piece of work, uncompressed: what a crash can make the server redo',
    defaultText: '64MiB, or the largest output file where that is less',
    group: jobs,
  },
  workers: {
    type: integer(1, 1024),
    description: 'Threads that write output files',
    defaultText: 'the number of cores',
    group: jobs,
  },
  retention: {
    type: duration,
    description: 'How long a finished export can be fetched',
    default: 24 * HOUR_MS,
    group: jobs,
  },
  minimumInProgress: {
    type: duration,
    description: 'A new export answers "in progress" for at least this long, as certifiers expect',
    default: 1000,
    group: jobs,
  },
  keepVersions: {
    type: duration,
    description:
      'How long superseded versions of resources are kept; running exports keep what they need',
    default: 24 * HOUR_MS,
    group: jobs,
  },
  partitionAttempts: {
    type: integer(1, 100),
    description: 'How often a piece of work may fail before its export fails',
    default: 3,
    group: jobs,
  },
}

/** {@link ExportJobsFlags} where nobody says anything else. */
export const DEFAULT_EXPORT_JOBS_FLAGS: ExportJobsFlags = mergeOptions(EXPORT_JOBS_FLAGS, {
  flags: {},
  environment: {},
})

/** `flatfhir serve`: the Data Provider. */
export const SERVE_COMMAND: Command = defineCommand<ServeOptions>({
  name: 'serve',
  summary: 'Serve the store as a Bulk Data provider',
  description:
    'Serves the data directory over HTTP; the FHIR base is /fhir. Clients log in by SMART Backend Services and are registered with flatfhir clients add, also while the server runs. Without TLS and without a proxy that ends TLS, only loopback addresses are bound. Who got what is written to an audit log in the data directory. SIGHUP reads certificate and key again. SIGTERM or Ctrl-C parks running exports, which go on at the next start; a second signal ends the process at once. Logs are JSON lines on stderr.',
  options: {
    data: {
      type: path('DIR'),
      description: 'Data directory; made where it is missing',
      required: true,
      group: server,
    },
    host: {
      type: text('HOST'),
      description: 'Address to listen on; other than loopback only with TLS or --trust-proxy',
      default: '127.0.0.1',
      group: server,
    },
    port: {
      type: integer(0, 65_535),
      description: 'Port to listen on; 0 takes a free one',
      default: 8080,
      group: server,
    },
    baseUrl: {
      type: text('URL'),
      description: 'FHIR base URL that clients use, where it differs from the address',
      defaultText: 'http://HOST:PORT/fhir',
      group: server,
    },
    exportEdition: {
      type: choice('stu1', 'stu2', 'stu3', 'stu4'),
      description:
        'Edition of the IG that $export speaks, which stu4 makes POST only; $export-v4 speaks STU4 in any case',
      default: 'stu3',
      group: server,
    },
    maxBodySize: {
      type: size,
      description: 'Largest request body',
      default: 32 * MEBIBYTE,
      group: server,
    },
    logLevel: {
      type: { ...choice(...LOG_LEVELS), placeholder: 'LEVEL' },
      description: `Least severe level that the log on stderr tells: ${LOG_LEVELS.join(', ')}`,
      default: 'info',
      group: server,
    },
    ...ACCESS_FLAGS,
    ...LIMIT_FLAGS,
    ...EXPORT_JOBS_FLAGS,
  },
  examples: [
    { line: 'flatfhir serve --data data', does: 'on http://127.0.0.1:8080/fhir' },
    {
      line: 'flatfhir serve --data data --host bulk.example.org --tls-cert cert.pem --tls-key key.pem',
      does: 'to the network, by TLS',
    },
    {
      line: 'flatfhir serve --data data --trust-proxy --base-url https://bulk.example.org/fhir',
      does: 'behind a proxy on this machine that ends TLS',
    },
    {
      line: 'flatfhir serve --data data --encryption-key-file files.key',
      does: 'with output files encrypted at rest',
    },
    { line: 'flatfhir serve --data data --auth none', does: 'without login, on this machine only' },
    {
      line: 'flatfhir serve --data data --port 0 --retention 7d --max-file-size 1GiB',
      does: 'on a free port, with larger files that are kept for a week',
    },
  ],
  run: async (options, context) => {
    const { runServe } = await import('./run-serve.ts')
    return runServe(options, context)
  },
})
