import { performance } from 'node:perf_hooks'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { pino, type Logger, type LoggerOptions } from 'pino'

/** Never logged on purpose; removed should they ever get into a log line. */
const REDACTED = ['authorization', 'token', 'access_token', 'client_assertion', 'headers', 'body']

/** A logger of the host application, or how ours is to be made; silent when neither is given. */
export function requestLogger(logger: Logger | LoggerOptions | undefined): Logger {
  if (logger === undefined) return pino({ enabled: false })
  if ('child' in logger) return logger
  return pino({ redact: REDACTED.flatMap((name) => [name, `*.${name}`]), ...logger })
}

/**
 * Logs a request once its answer is sent or given up. The route's pattern stands for the URL, whose
 * ids and query are nobody's business.
 */
export function logWhenClosed(request: FastifyRequest, reply: FastifyReply, log: Logger): void {
  const startedAt = performance.now()
  reply.raw.once('close', () => {
    log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'unknown',
        status: reply.raw.statusCode,
        ms: Math.round(performance.now() - startedAt),
        ...(!reply.raw.writableFinished && { aborted: true }),
      },
      'request',
    )
  })
}
