import type { OptionTable } from '../options/option-table.ts'
import { path, text } from '../options/value-types.ts'

/** How a client logs in; without a client id it does not. */
export interface LoginOptions {
  readonly clientId: string | undefined
  readonly key: string | undefined
  readonly kid: string | undefined
  readonly privateKey: string | undefined
  readonly clientSecretFile: string | undefined
  readonly clientSecret: string | undefined
  readonly scope: string | undefined
  readonly tokenUrl: string | undefined
  readonly jwksUrl: string | undefined
}

const group = 'Login (SMART Backend Services):'

/** The table of {@link LoginOptions}. */
export const LOGIN_OPTIONS: OptionTable<LoginOptions> = {
  clientId: {
    type: text('ID'),
    description: 'Id that the provider has given to this client',
    defaultText: 'no login',
    group,
  },
  key: {
    type: path('FILE'),
    description: 'Private key to log in with: a file of `flatfhir keys`, a JWK, a JWK Set or a PEM',
    exclusive: 'credential',
    group,
  },
  kid: {
    type: text('KID'),
    description: 'Which key of several; for a PEM, what the provider calls it',
    defaultText: 'the newest that is not retired',
    group,
  },
  privateKey: {
    type: text('KEY'),
    description: 'The private key itself (JWK, JWK Set or PEM), instead of --key',
    exclusive: 'credential',
    secret: true,
    group,
  },
  clientSecretFile: {
    type: path('FILE'),
    description: 'Client secret, for the providers that have nothing better (BCDA)',
    exclusive: 'credential',
    group,
  },
  clientSecret: {
    type: text('SECRET'),
    description: 'The client secret itself, instead of --client-secret-file',
    exclusive: 'credential',
    secret: true,
    group,
  },
  scope: {
    type: text('SCOPES'),
    description: 'Scopes to ask for, separated by spaces',
    defaultText: 'what the level and --type need, as the provider spells it',
    group,
  },
  tokenUrl: {
    type: text('URL'),
    description: 'Token endpoint',
    defaultText: "what the provider's .well-known/smart-configuration says",
    group,
  },
  jwksUrl: {
    type: text('URL'),
    description: 'Registered URL of the JWK Set, for the providers that want it named (`jku`)',
    group,
  },
}
