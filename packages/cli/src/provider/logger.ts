import { pino, type Logger } from 'pino'
import type { TextOutput } from '../command-io.ts'
import type { LogLevel } from '../commands/serve/command.ts'

/** JSON lines on stderr. Whoever logs leaves patient data out; what carries secrets is cut here. */
export function makeLogger(output: TextOutput, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['*.headers.authorization', '*.headers.cookie', 'authorization', 'token'],
        remove: true,
      },
    },
    { write: (line: string) => output.write(line) },
  )
}
