import { EXIT_CODES } from '../exit-codes.ts'

/** The reference page of the exit codes, in Markdown. */
export function exitCodesReference(): string {
  return [
    '# Exit codes of `flatfhir`',
    '',
    'Generated from the table in the code by `node scripts/generate-reference.mjs`; do not edit.',
    '',
    '| code | name | meaning |',
    '| ---: | --- | --- |',
    ...EXIT_CODES.map(({ code, name, meaning }) => `| ${code} | ${name} | ${meaning} |`),
    '',
  ].join('\n')
}
