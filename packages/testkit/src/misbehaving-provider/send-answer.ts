import type { ServerResponse } from 'node:http'
import type { ScriptedAnswer } from './provider-script.ts'

/** Sends an answer word for word. */
export function sendAnswer(response: ServerResponse, answer: ScriptedAnswer): void {
  const { status, headers = {}, body, instead } = answer
  if (instead === 'hang') return
  if (instead === 'close') {
    response.socket?.destroy()
    return
  }
  const isText = typeof body === 'string' || body instanceof Uint8Array
  if (body !== undefined && !isText) response.setHeader('content-type', 'application/json')
  response.writeHead(status, headers)
  if (body === undefined) response.end()
  else response.end(isText ? body : JSON.stringify(body))
}
