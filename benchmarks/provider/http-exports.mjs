// The asynchronous flow over HTTP, with connections that are kept.
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { secondsSince } from '../measure.mjs'

const POLL_MS = 20
const KICK_OFF_HEADERS = { accept: 'application/fhir+json', prefer: 'respond-async' }

const agent = new Agent({ keepAlive: true })

/**
 * @param {string} url
 * @param {{ method?: string, headers?: Record<string, string>, body?: string }} [options]
 * @returns {Promise<{ status: number, headers: Record<string, string>, text: string, seconds: number }>}
 *   `seconds`: until the head of the answer was there.
 */
export async function send(url, { method = 'GET', headers = {}, body } = {}) {
  const startedAt = performance.now()
  const [response] = await once(request(url, { method, headers, agent }).end(body), 'response')
  const seconds = secondsSince(startedAt)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, headers: response.headers, text, seconds }
}

/** @returns {Promise<{ statusUrl: string, seconds: number }>} */
export async function kickOff(url) {
  const answer = await send(url, { headers: KICK_OFF_HEADERS })
  if (answer.status !== 202) throw new Error(`The kick-off was answered with ${answer.status}`)
  return { statusUrl: answer.headers['content-location'], seconds: answer.seconds }
}

/** @returns {Promise<boolean>} whether the job is still in progress */
export async function isInProgress(statusUrl) {
  return (await send(statusUrl)).status === 202
}

/** @returns {Promise<{ output: readonly { type: string, url: string, count: number }[] }>} the manifest */
export async function manifestOf(statusUrl) {
  for (;;) {
    const { status, text } = await send(statusUrl)
    if (status === 200) return JSON.parse(text)
    if (status !== 202) throw new Error(`The status was answered with ${status}`)
    await delay(POLL_MS)
  }
}

export async function deleteExport(statusUrl) {
  await send(statusUrl, { method: 'DELETE' })
}

/** Fetches a file and throws its bytes away. @returns {Promise<number>} bytes */
export async function drain(url, { headers = {} } = {}) {
  const [response] = await once(request(url, { headers, agent }).end(), 'response')
  if (response.statusCode !== 200)
    throw new Error(`A file was answered with ${response.statusCode}`)
  let bytes = 0
  for await (const chunk of response) bytes += chunk.length
  return bytes
}
