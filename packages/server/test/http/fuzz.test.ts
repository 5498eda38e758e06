import { METHODS } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { send, sendBytes } from './send.ts'
import {
  eventually,
  FHIR,
  resource,
  startTestProvider,
  type TestProvider,
} from './test-provider.ts'

let provider: TestProvider

beforeAll(async () => {
  provider = await startTestProvider()
  for (const type of ['Patient', 'Group']) {
    await provider.request(`/${type}/1`, {
      method: 'PUT',
      headers: FHIR,
      body: resource(type, { id: '1' }),
    })
  }
})

afterAll(async () => {
  await provider[Symbol.asyncDispose]()
})

/** Half of a surrogate pair becomes a replacement character. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

const segment = fc.oneof(
  fc.constantFrom(
    'fhir',
    'Patient',
    'Group',
    'Observation',
    '1',
    '$export',
    '%24export',
    '_search',
    'metadata',
    'bulk-status',
    'bulk-files',
    '0'.repeat(32),
    '..',
    '.',
    '',
    '%2e%2e',
    '%00',
    '%ff',
    '%',
    '_history',
    '__proto__',
    'healthz',
    ':type',
    '*',
  ),
  fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(wellFormed(text))),
)
const parameter = fc.tuple(
  fc.constantFrom(
    '_type',
    '_since',
    '_until',
    '_outputFormat',
    '_id',
    'name',
    'identifier',
    '_count',
    '_cursor',
    '_format',
    'x',
  ),
  fc.oneof(
    fc.constantFrom(
      'Patient',
      '1',
      '',
      '2020-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '0000-00-00',
      ',',
      '|',
      'ndjson',
      '-1',
    ),
    fc.string({ maxLength: 12 }),
  ),
)
const path = fc
  .tuple(fc.boolean(), fc.array(segment, { maxLength: 5 }), fc.array(parameter, { maxLength: 3 }))
  .map(([isFhir, segments, parameters]) => {
    const query = new URLSearchParams(
      parameters.map(([name, value]): [string, string] => [name, wellFormed(value)]),
    ).toString()
    return `${isFhir ? '/fhir' : ''}/${segments.join('/')}${query === '' ? '' : `?${query}`}`
  })
const HEADER_VALUES: Record<string, string[]> = {
  accept: ['*/*', 'application/fhir+json', 'text/html', ';;;', ',', 'application/*;q=2'],
  prefer: ['respond-async', 'respond-async, handling=lenient', 'return=minimal', '=', ';'],
  'content-type': [
    'application/fhir+json',
    'application/json',
    'text/plain',
    'x',
    'application/x-www-form-urlencoded',
    'a/b; charset',
  ],
  'content-encoding': ['gzip', 'identity'],
  'if-match': ['W/"1"', '"', '*', 'x'],
  'if-none-match': ['W/"1"', '"', '*'],
  'if-range': ['"x"', 'x'],
  range: ['bytes=0-0', 'bytes=9-1', 'bytes=-', 'x=1', 'bytes=99999999999999999999-'],
  'accept-encoding': ['gzip', 'gzip;q=x', 'identity;q=0', '*'],
  'if-none-exist': ['x=1'],
  'accept-version': ['1.0'],
  authorization: ['Bearer x', 'Basic ='],
  'x-http-method-override': ['DELETE'],
  expect: ['100-continue'],
}
const headers = fc
  .array(
    fc
      .constantFrom(...Object.keys(HEADER_VALUES))
      .chain((name) =>
        fc.tuple(fc.constant(name), fc.constantFrom(...(HEADER_VALUES[name] ?? []))),
      ),
    { maxLength: 5 },
  )
  .map((pairs) => Object.fromEntries(pairs))
const body = fc.option(
  fc.oneof(
    fc.constantFrom(
      '{}',
      '[]',
      '',
      'null',
      '{"resourceType":"Patient"}',
      '{"resourceType":"Patient","id":"1"}',
      '{"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"}]}',
      '{"resourceType":"Parameters","parameter":{}}',
      '{"resourceType":"Parameters","parameter":[null]}',
      '{"resourceType":"Bundle","type":"batch","entry":[null,{}]}',
      '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"X","url":"/"}}]}',
      '{"resourceType":"Patient","id":"1","id":"2"}',
      '{"resourceType":"Patient","meta":1}',
      '['.repeat(5000),
    ),
    fc.json({ maxDepth: 3 }),
    fc.string(),
  ),
  { nil: undefined },
)
const method = fc.oneof(
  fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD'),
  fc.constantFrom(...METHODS.filter((name) => name !== 'CONNECT')),
)

test('whatever is asked is answered, below 500, and errors with an OperationOutcome', async () => {
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      fc.tuple(headers, body),
      async (verb, target, [fields, content]) => {
        const answer = await send(provider.port, {
          method: verb,
          path: target,
          headers: fields,
          body: content === undefined ? undefined : wellFormed(content),
        })

        expect(answer.status).toBeLessThan(500)
        if (answer.status >= 400 && verb !== 'HEAD') {
          expect(answer.json()).toMatchObject({ resourceType: 'OperationOutcome' })
        }
      },
    ),
    { numRuns: 1500 },
  )
})

test('whatever bytes arrive, the server answers below 500 or closes, and goes on', async () => {
  await using impatient = await startTestProvider({
    provider: { timeouts: { headersMs: 200, requestMs: 400 } },
  })
  const line = fc.oneof(
    fc.constantFrom(
      'GET /fhir/metadata HTTP/1.1',
      'GET / HTTP/1.0',
      'POST /fhir HTTP/1.1',
      'Host: localhost',
      'Host: x',
      'Content-Length: 5',
      'Content-Length: -1',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: gzip',
      'Connection: close',
      'Connection: upgrade',
      'Upgrade: h2c',
      '',
      'Expect: 100-continue',
      'Content-Type: application/fhir+json',
    ),
    fc.string({ maxLength: 20 }),
  )

  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 6 }), async (lines) => {
      const received = await sendBytes(impatient.port, `${lines.join('\r\n')}\r\n\r\n`, (text) =>
        /^HTTP\/1\.1 [2-9]\d\d [^]*\r\n\r\n/.test(text),
      )

      expect(received).not.toMatch(/^HTTP\/1\.1 5/)
    }),
    { numRuns: 60 },
  )
  await eventually(async () => {
    const { status } = await send(impatient.port, { path: '/healthz' })
    return status === 200 ? true : undefined
  })
})
