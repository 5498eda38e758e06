export type { CommandIo, TextOutput } from './command-io.ts'
export { cliReference } from './reference/cli-reference.ts'
export { exitCodesReference } from './reference/exit-codes-reference.ts'
export { runCli } from './run-cli.ts'
