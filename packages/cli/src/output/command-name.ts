/** How the reader would call this command again: through npx where npm runs it from a checkout. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_lifecycle_event'] === undefined ? 'flatfhir' : 'npx flatfhir'
}
