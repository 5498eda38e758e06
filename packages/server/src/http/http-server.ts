import {
  createServer,
  METHODS,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Access } from './access.ts'
import { errorAnswer, protocolErrorAnswer } from './error-answer.ts'
import { isLoopbackHostHeader } from './loopback.ts'
import { headerOf } from './request-parts.ts'
import { logWhenClosed } from './request-log.ts'
import { notFound, RequestRefusedError } from './request-refused-error.ts'
import type { Handler, Route } from './route.ts'
import { FORM } from './search.ts'
import { sendAnswer, sendRawAnswer } from './send-answer.ts'
import type { SecureServerOptions } from './tls.ts'

/** Longer URLs belong into the body of a POST. */
const MAX_URL_LENGTH = 8 * 1024
const MAX_HEADER_BYTES = 16 * 1024

/** How long the server waits for whom, in milliseconds. */
export interface HttpTimeouts {
  /** For all header fields of a request. */
  readonly headersMs: number
  /** For a whole request with its body. */
  readonly requestMs: number
  /** For a client that takes nothing of what it is being sent; cut off between one and two of these. */
  readonly stallMs: number
  /** For the next request on a connection. */
  readonly keepAliveMs: number
}

/** What the server is made of. */
export interface HttpServerOptions {
  readonly routes: readonly Route[]
  readonly access: Access
  readonly log: Logger
  readonly timeouts: HttpTimeouts
  readonly isClosing: () => boolean
  /** `undefined` for plain HTTP. */
  readonly tls: SecureServerOptions | undefined
  /** Refuse requests whose `Host` is neither of this machine nor this one. */
  readonly onlyLocalHosts: { readonly except: string | undefined } | undefined
}

/**
 * A server that answers the routes, and everything else with an OperationOutcome.
 *
 * The framework routes and parses the head of requests. Logging, errors and answers are ours, so
 * that no text of its own, which would quote URLs, gets to clients or into logs.
 */
export function createHttpServer(options: HttpServerOptions): FastifyInstance {
  const { stallMs } = options.timeouts
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    serverFactory: (handler) => listeningServer(handler, options),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_URL_LENGTH },
    rewriteUrl: plainOperationName,
    frameworkErrors: (error, request, reply) => {
      logWhenClosed(request, reply, options.log)
      fail(error, request, reply)
    },
    clientErrorHandler: answerMalformedRequest,
  })
  const fail = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    const answer = errorAnswer(error, options.log)
    void sendAnswer(request.raw, reply.raw, { answer, stallMs })
  }
  app.setErrorHandler(fail)
  app.server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    void sendAnswer(request, response, { answer: protocolErrorAnswer(417), stallMs })
  })
  addContentTypes(app)
  addRequestChecks(app, options)
  addRoutes(app, options)
  return app
}

/** The server below the framework, over TLS or not, with the same limits either way. */
function listeningServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { timeouts, tls }: HttpServerOptions,
): Server {
  const limits = {
    headersTimeout: Math.min(timeouts.headersMs, timeouts.requestMs),
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: Math.min(5000, timeouts.headersMs),
    maxHeaderSize: MAX_HEADER_BYTES,
    // The hook of every request answers a missing Host with an OperationOutcome.
    requireHostHeader: false,
  }
  if (tls === undefined) return createServer(limits, handler)
  return createTlsServer({ ...limits, ...tls, handshakeTimeout: timeouts.headersMs }, handler)
}

/** Some HTTP libraries percent-encode the dollar sign of operations. */
function plainOperationName({ url }: IncomingMessage): string {
  return (url ?? '/').replace(
    /^([^?]*\/)%24(export(?:-v4)?|member-add|member-remove)(?=$|[?/])/,
    '$1$$$2',
  )
}

/** Bodies stay unread until a handler asks for them, by then knowing how large they may be. */
function addContentTypes(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/fhir+json', 'application/json', FORM],
    (request, _payload, done) => {
      const fault = contentFault(request)
      if (fault === undefined) done(null, undefined)
      else done(fault)
    },
  )
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (takesAnyContent(request)) done(null, undefined)
    else done(unsupportedContent('This content type is not supported here: send FHIR JSON'))
  })
}

function takesAnyContent({ routeOptions }: FastifyRequest): boolean {
  return 'takesAnyContent' in routeOptions.config
}

function contentFault(request: FastifyRequest): RequestRefusedError | undefined {
  if (takesAnyContent(request)) return undefined
  const contentType = headerOf(request, 'content-type') ?? ''
  const isForm = contentType.trim().toLowerCase().startsWith(FORM)
  if (isForm !== request.routeOptions.url?.endsWith('/_search')) {
    return unsupportedContent(`Searches by POST are ${FORM}, everything else is FHIR JSON`)
  }
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)
  const coding = headerOf(request, 'content-encoding')?.toLowerCase()
  if (charset !== null && charset[1]?.toLowerCase() !== 'utf-8') {
    return unsupportedContent('Bodies are in UTF-8')
  }
  if (coding !== undefined && coding !== 'identity') {
    return unsupportedContent('Bodies are taken without a content coding')
  }
  return undefined
}

function unsupportedContent(diagnostics: string): RequestRefusedError {
  return new RequestRefusedError({ status: 415, issueType: 'not-supported', diagnostics })
}

/** What holds for every request, before its route and its body are looked at. */
function addRequestChecks(app: FastifyInstance, options: HttpServerOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    logWhenClosed(request, reply, options.log)
    CURRENT_RESPONSES.set(request.raw.socket, reply.raw)
    if (options.isClosing()) {
      closeWhenSent(app, reply)
      throw stopping()
    }
    requireHost(request, options.onlyLocalHosts)
    if ((request.raw.url ?? '').length > MAX_URL_LENGTH) {
      throw new RequestRefusedError({
        status: 414,
        issueType: 'too-long',
        diagnostics: `URLs have at most ${MAX_URL_LENGTH} characters: use POST instead`,
      })
    }
    if (request.is404) throw notFound('There is nothing at this URL')
    reply.raw.once('close', () => {
      if (options.isClosing()) app.server.closeIdleConnections()
    })
  })
  // Reached for no request, because the hook above has refused it; or the framework's own would be.
  app.setNotFoundHandler(async () => {
    throw notFound('There is nothing at this URL')
  })
}

function closeWhenSent(app: FastifyInstance, reply: FastifyReply): void {
  reply.raw.setHeader('connection', 'close')
  reply.raw.once('close', () => {
    app.server.closeIdleConnections()
  })
}

function stopping(): RequestRefusedError {
  return new RequestRefusedError({
    status: 503,
    issueType: 'transient',
    diagnostics: 'The server is shutting down',
    headers: { 'retry-after': '5' },
  })
}

function requireHost(
  request: FastifyRequest,
  onlyLocalHosts: HttpServerOptions['onlyLocalHosts'],
): void {
  const { host } = request.headers
  if (host === undefined) {
    if (request.raw.httpVersion === '1.0') return
    throw new RequestRefusedError({
      status: 400,
      issueType: 'required',
      diagnostics: 'HTTP/1.1 requires the header Host',
    })
  }
  if (onlyLocalHosts === undefined || host.toLowerCase() === onlyLocalHosts.except) return
  if (isLoopbackHostHeader(host)) return
  throw new RequestRefusedError({
    status: 421,
    issueType: 'security',
    diagnostics: 'This server is open to this machine only: reach it by localhost or its base URL',
  })
}

function addRoutes(app: FastifyInstance, options: HttpServerOptions): void {
  // Without a listener, Node closes connections that say CONNECT; there is nothing to route.
  const otherMethods = METHODS.filter((method) => method !== 'CONNECT')
  for (const method of otherMethods) {
    if (!app.supportedMethods.includes(method)) app.addHttpMethod(method)
  }
  for (const route of options.routes) {
    for (const [method, handler] of Object.entries(route.methods)) {
      addRoute(app, options, { route, method, handler })
    }
    addMethodNotAllowed(app, route, otherMethods)
  }
}

function addRoute(
  app: FastifyInstance,
  options: HttpServerOptions,
  { route, method, handler }: { route: Route; method: string; handler: Handler },
): void {
  const { stallMs } = options.timeouts
  app.route({
    method,
    url: route.path,
    config: route.takesAnyContent === true ? { takesAnyContent: true } : {},
    onRequest: async (request) => {
      if (route.isPublic !== true) await options.access.authenticate(request)
    },
    handler: async (request, reply) => {
      const answer = await handler(request)
      reply.hijack()
      await sendAnswer(request.raw, reply.raw, { answer, stallMs })
    },
  })
}

function addMethodNotAllowed(app: FastifyInstance, route: Route, methods: readonly string[]): void {
  const allowed = Object.keys(route.methods)
  const refuse = async (): Promise<never> => {
    throw new RequestRefusedError({
      status: 405,
      issueType: 'not-supported',
      diagnostics: `This URL answers ${allowed.join(', ')} only`,
      headers: { allow: allowed.join(', ') },
    })
  }
  const method = methods.filter((each) => !allowed.includes(each))
  // Refused before its body is looked at.
  app.route({ method, url: route.path, onRequest: refuse, handler: refuse })
}

/** Which response is being sent on a connection, for the handler below. */
const CURRENT_RESPONSES = new WeakMap<Socket, ServerResponse>()

/** Node's status for what is wrong with the bytes of a request. */
const MALFORMED_STATUS: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

function answerMalformedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  const current = CURRENT_RESPONSES.get(socket)
  const isAnswering = current?.headersSent === true && !current.writableFinished
  // In the middle of another answer a status line would be taken for a part of its body.
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy()
    return
  }
  sendRawAnswer(socket, protocolErrorAnswer(MALFORMED_STATUS.get(error.code ?? '') ?? 400))
}
