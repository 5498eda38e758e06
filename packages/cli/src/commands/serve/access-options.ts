import type { OptionTable } from '../../options/option-table.ts'
import { delimiter } from 'node:path'
import {
  choice,
  durationWithin,
  flag,
  integer,
  path,
  paths,
  size,
} from '../../options/value-types.ts'

/** Who may use the server, and how it protects what it sends and keeps. */
export interface AccessFlags {
  readonly auth: 'smart' | 'none'
  readonly tokenLifetime: number
  readonly allowPrivateJwks: boolean
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly trustProxy: boolean
  readonly encryptionKeyFile: string | undefined
  readonly previousEncryptionKeyFile: readonly string[] | undefined
}

/** What clients may ask for, unless their registration says otherwise. */
export interface LimitFlags {
  readonly maxJobsPerClient: number
  readonly maxPollsPerJob: number
  readonly maxBytesPerClient: number
  readonly maxTokensPerClient: number
  readonly maxTokensPerAddress: number
}

const access = 'Access:'
const protection = 'Protection:'
const limits = 'Limits of each client (a registration may set its own):'

const SECOND_MS = 1000
const HOUR_MS = 3_600_000

/** The table of {@link AccessFlags}. */
export const ACCESS_FLAGS: OptionTable<AccessFlags> = {
  auth: {
    type: choice('smart', 'none'),
    description:
      'Who may use the server: registered clients by SMART Backend Services, or (`none`) everybody on this machine',
    default: 'smart',
    group: access,
  },
  tokenLifetime: {
    type: durationWithin(SECOND_MS, HOUR_MS),
    description: 'How long an access token is good for; SMART recommends at most 5m',
    default: 300 * SECOND_MS,
    group: access,
  },
  allowPrivateJwks: {
    type: flag,
    description: 'Fetch JWK Sets of clients from private networks too',
    default: false,
    group: access,
  },
  tlsCert: {
    type: path('FILE'),
    description: 'TLS certificate chain in PEM; read again on SIGHUP',
    defaultText: 'plain HTTP, on loopback addresses only',
    group: protection,
  },
  tlsKey: {
    type: path('FILE'),
    description: 'Private key of the certificate, in PEM; read again on SIGHUP',
    group: protection,
  },
  trustProxy: {
    type: flag,
    description:
      'A proxy that ends TLS stands in front, and nobody reaches the server past it; needs --base-url',
    default: false,
    group: protection,
  },
  encryptionKeyFile: {
    type: path('FILE'),
    description:
      'Encrypt output files at rest with this key: 32 random bytes, also as hex or base64',
    defaultText: 'output files are not encrypted',
    group: protection,
  },
  previousEncryptionKeyFile: {
    type: paths('FILE', delimiter),
    description: 'A key that was in use before, for exports of that time; may be repeated',
    group: protection,
  },
}

/** The table of {@link LimitFlags}. */
export const LIMIT_FLAGS: OptionTable<LimitFlags> = {
  maxJobsPerClient: {
    type: integer(1, 1_000_000),
    description: 'Exports under way at the same time',
    default: 50,
    group: limits,
  },
  maxPollsPerJob: {
    type: integer(1, 1_000_000),
    description: 'Status requests per minute, for each export',
    default: 600,
    group: limits,
  },
  maxBytesPerClient: {
    type: size,
    description: 'Bytes of output files per day (UTC)',
    default: 10 * 2 ** 40,
    group: limits,
  },
  maxTokensPerClient: {
    type: integer(1, 1_000_000),
    description: 'Access tokens per minute',
    default: 120,
    group: limits,
  },
  maxTokensPerAddress: {
    type: integer(1, 1_000_000),
    description: 'Token requests per minute from one address, good or bad',
    default: 300,
    group: limits,
  },
}
