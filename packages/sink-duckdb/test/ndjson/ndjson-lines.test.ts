import type { LandingFile } from '@flatfhir/client'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import fc from 'fast-check'
import { appendFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withNdjsonLines } from '../../src/ndjson/ndjson-lines.ts'

let directory: string
let instance: DuckDBInstance
let connection: DuckDBConnection
let made = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatfhir-ndjson-'))
  instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '600MB' })
  connection = await instance.connect()
})

afterAll(async () => {
  connection.closeSync()
  instance.closeSync()
  await rm(directory, { recursive: true, force: true })
})

async function fileOf(content: string | Uint8Array, name?: string): Promise<LandingFile> {
  made += 1
  const path = join(directory, String(made), name ?? 'Patient.000.ndjson')
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  return { path, type: 'Patient', bytes: (await stat(path)).size }
}

async function linesOf(...files: readonly LandingFile[]): Promise<readonly unknown[]> {
  return withNdjsonLines(files, async (lines) => {
    const reader = await connection.runAndReadAll(`SELECT raw FROM ${lines}`)
    return reader.getRows().map(([raw]) => raw)
  })
}

async function failureOf(...files: readonly LandingFile[]): Promise<unknown> {
  return linesOf(...files).catch((error: unknown) => error)
}

describe('lines of NDJSON files', () => {
  test('keep their bytes: numbers, order of keys, escapes, spaces inside', async () => {
    const first = String.raw`{ "b" : 1.50,  "a": 1E5, "c": "é é \/ \u0000", "a": 123456789012345678901 }`
    const second = '{"resourceType":"Patient"\t,"name":[{"family":"O\'Brien \\"x\\", 😀"}]}'

    const lines = await linesOf(await fileOf(`${first}\n${second}\n`))

    expect(lines).toEqual([first, second])
  })

  test.each([
    ['carriage returns', '{"a":1}\r\n{"a":2}\r\n'],
    ['blank lines', '\n{"a":1}\n\n  \t\n\r\n{"a":2}\n\n'],
    ['no line feed at the end', '{"a":1}\n{"a":2}'],
    ['a byte order mark', '\ufeff{"a":1}\n{"a":2}\n'],
    ['a byte order mark and blank lines', '\ufeff{"a":1}\r\n \n\n{"a":2}'],
    ['white space around lines', ' {"a":1} \n\t{"a":2}\t\n'],
  ])('are read with %s, plain and gzipped', async (_, content) => {
    const plain = await fileOf(content)
    const zipped = await fileOf(gzipSync(content), 'Patient.000.ndjson.gz')

    expect(await linesOf(plain)).toEqual(['{"a":1}', '{"a":2}'])
    expect(await linesOf(zipped)).toEqual(['{"a":1}', '{"a":2}'])
  })

  test('come in the order of the files, whatever those are', async () => {
    const files = [
      await fileOf('{"n":1}\n{"n":2}\n'),
      await fileOf(gzipSync('{"n":3}\n'), 'Patient.001.ndjson.gz'),
      await fileOf('\ufeff{"n":4}\n'),
      await fileOf(''),
      await fileOf('{"n":5}\n'),
    ]

    const lines = await linesOf(...files)

    expect(lines).toEqual([1, 2, 3, 4, 5].map((n) => `{"n":${n}}`))
  })

  test('are none where there is no file, and where files are empty', async () => {
    expect(await linesOf()).toEqual([])
    expect(await linesOf(await fileOf(''), await fileOf('\n\n'))).toEqual([])
    expect(await linesOf(await fileOf(gzipSync(''), 'a.ndjson.gz'))).toEqual([])
  })

  test('may hold escapes of half a surrogate pair', async () => {
    const cut = String.raw`{"a":"\ud83d","b":1.50}`

    const lines = await linesOf(await fileOf('{"a":1}\n'), await fileOf(`{"a":2}\n${cut}\n`))

    expect(lines).toEqual(['{"a":1}', '{"a":2}', cut])
  })

  test.each([
    "it's [1] of *?.ndjson",
    'back\\slash.ndjson',
    'back\\slash [1] of *?.ndjson',
    '~ # %20 é.ndjson',
    'k=v/a.ndjson',
  ])('come from the file that is meant: %s', async (name) => {
    const file = await fileOf('{"a":1}\n', name)
    for (const other of ["it's 1 of xyz.ndjson", 'back\\slash 1 of xyz.ndjson']) {
      await writeFile(join(dirname(file.path), other), '{"a":"other"}\n')
    }

    expect(await linesOf(file)).toEqual(['{"a":1}'])
  })

  test('can be longer than what DuckDB allows by default', async () => {
    const long = JSON.stringify({ data: 'x'.repeat(20 * 1024 * 1024) })

    const lines = await withNdjsonLines(
      [await fileOf(`{"a":1}\n${long}\n{"a":2}`), await fileOf(gzipSync(long), 'a.ndjson.gz')],
      async (sql) =>
        (await connection.runAndReadAll(`SELECT length(raw) FROM ${sql}`)).getRows().flat(),
    )

    expect(lines.map(Number)).toEqual([7, long.length, 7, long.length])
  })

  test('any JSON object in any layout comes back as it is', async () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    const line = object.map((value) => JSON.stringify(value))
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.constantFrom('\n', '\r\n', '\n\n'), async (all, end) => {
        expect(await linesOf(await fileOf(all.join(end)))).toEqual(all)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a line that cannot be landed', () => {
  test.each([
    ['not-json', '{"family": Smith}'],
    ['not-json', '{"family":"Smith"'],
    ['not-json', '{"family":"Smith"}{"a":1}'],
    ['not-an-object', '["Smith"]'],
    ['not-an-object', '"Smith"'],
    ['not-an-object', 'null'],
    ['not-json', '{"family":"Smi\u0001th"}'],
  ])('is %s, told by file and line, never quoted', async (fault, bad) => {
    const good = await fileOf('{"a":1}\n')
    const file = await fileOf(`{"a":1}\r\n\n{"b":2}\n${bad}\n{"c":3}\n`)

    const error = await failureOf(good, file)

    expect(error).toMatchObject({
      ...{ code: 'LANDING_LINE_INVALID', fault, lineNumber: 4, path: file.path },
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Smi')
  })

  test('is told of gzip and of files with a byte order mark', async () => {
    const zipped = await fileOf(gzipSync('{"a":1}\n[]\n'), 'a.ndjson.gz')
    const marked = await fileOf('\ufeff{"a":1}\n\n{"a":\n')

    expect(await failureOf(zipped)).toMatchObject({ fault: 'not-an-object', lineNumber: 2 })
    expect(await failureOf(marked)).toMatchObject({ fault: 'not-json', lineNumber: 3 })
  })

  test('may be no UTF-8', async () => {
    const file = await fileOf(Buffer.from('7b2261223a22ff227d0a', 'hex'))

    expect(await failureOf(file)).toMatchObject({ fault: 'not-utf8', lineNumber: 1 })
  })
})

describe('a file that is not what it was', () => {
  test('may be missing', async () => {
    const file = await fileOf('{"a":1}\n')
    await rm(file.path)

    expect(await failureOf(file)).toMatchObject({ code: 'LANDING_FILE_MISSING', path: file.path })
  })

  test('may have grown, before or while it is read', async () => {
    const file = await fileOf('{"a":1}\n')
    const reading = withNdjsonLines([file], async () => appendFile(file.path, '{"a":2}\n'))

    await expect(reading).rejects.toMatchObject({ code: 'LANDING_FILE_CHANGED', actualBytes: 16 })
    expect(await failureOf(file)).toMatchObject({ expectedBytes: 8, actualBytes: 16 })
  })

  test('may be gzip that ends early, of which DuckDB would say nothing', async () => {
    const whole = gzipSync('{"a":1}\n'.repeat(1000))
    const cut = await fileOf(whole.subarray(0, 30), 'a.ndjson.gz')
    const plain = await fileOf('{"a":1}\n', 'b.ndjson.gz')

    expect(await failureOf(cut)).toMatchObject({ code: 'LANDING_FILE_DAMAGED', path: cut.path })
    expect(await failureOf(plain)).toMatchObject({ code: 'LANDING_FILE_DAMAGED' })
  })

  test('does not hide another failure', async () => {
    const file = await fileOf('{"a":1}\n')
    const reading = withNdjsonLines([file], () => Promise.reject(new Error('disk is full')))

    await expect(reading).rejects.toThrow('disk is full')
  })
})
