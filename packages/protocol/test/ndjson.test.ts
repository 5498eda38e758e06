import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNdjson } from '../src/ndjson.ts'
import { splitLines } from '../src/split-lines.ts'

describe('readNdjson', () => {
  test.each([1, 2, 3, 7, 1024])('yields every line whatever the chunk size (%i)', async (size) => {
    const file = '{"id":"a"}\r\n\n{"id":"é€😀"}\n \t\r\n{"id":"c"}'

    const lines = await collect(readNdjson(chunksOf(Buffer.from(file), size)))

    expect(lines.map((line) => [line.resource['id'], line.lineNumber, line.byteOffset])).toEqual([
      ['a', 1, 0],
      ['é€😀', 3, 13],
      ['c', 5, 36],
    ])
  })

  test('yields nothing for an empty file', async () => {
    expect(await collect(readNdjson(chunksOf(Buffer.alloc(0), 10)))).toEqual([])
  })

  test('names the line and byte of a broken line, and never quotes it', async () => {
    const file = Buffer.from('{"id":"a"}\n{"family": Smith}\n')

    const error = await failureOf(readNdjson(chunksOf(file, 5)))

    expect(error).toMatchObject({ code: 'NDJSON_INVALID', lineNumber: 2, byteOffset: 11 })
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error)
    expect(everything).not.toContain('Smith')
  })

  test.each([
    ['[]', 'not-an-object'],
    ['null', 'not-an-object'],
    ['1', 'not-an-object'],
    ['{"id":"a"} {"id":"b"}', 'not-json'],
    ['{"id":', 'not-json'],
    ['\u00a0', 'not-json'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'not-utf8'],
    [Buffer.from('{"id":"é"}').subarray(0, 8), 'not-utf8'],
  ])('a line of %s is %s', async (line, fault) => {
    const file = Buffer.concat([Buffer.from('{"id":"a"}\n'), Buffer.from(line), Buffer.from('\n')])
    const seen: unknown[] = []

    const error = await failureOf(readNdjson(chunksOf(file, 4)), seen)

    expect(error).toMatchObject({ code: 'NDJSON_INVALID', fault, lineNumber: 2, byteOffset: 11 })
    expect(seen).toHaveLength(1)
  })

  test('takes a line of the greatest length and refuses one byte more', async () => {
    const line = `{"a":"${'x'.repeat(100)}"}`
    const read = (maxLineBytes: number) =>
      collect(readNdjson(chunksOf(Buffer.from(`${line}\n`), 9), { maxLineBytes }))

    expect(await read(line.length)).toHaveLength(1)
    await expect(read(line.length - 1)).rejects.toMatchObject({ fault: 'too-long', lineNumber: 1 })
  })
})

describe('splitLines', () => {
  test('gives back all bytes of any file, cut anywhere', async () => {
    const anyFile = fc.array(fc.constantFrom('a', 'é', '\n', '\r\n', 'long line ', '😀'))
    await fc.assert(
      fc.asyncProperty(anyFile, fc.integer({ min: 1, max: 9 }), async (pieces, size) => {
        const file = Buffer.from(pieces.join(''))

        const lines = await collect(splitLines(chunksOf(file, size)))

        const expected = file.toString().split('\n')
        if (expected.at(-1) === '') expected.pop()
        expect(lines.map(({ bytes }) => bytes.toString())).toEqual(expected)
        for (const { bytes, byteOffset, lineNumber } of lines) {
          expect(file.subarray(byteOffset, byteOffset + bytes.length)).toEqual(bytes)
          expect(file.subarray(0, byteOffset).filter((byte) => byte === 10)).toHaveLength(
            lineNumber - 1,
          )
        }
      }),
    )
  })

  test('keeps the lines that it gave, whatever comes after', async () => {
    const file = Buffer.from('first line\nsecond line\nthird')

    const lines = await collect(splitLines(chunksOf(file, 3)))

    expect(lines.map(({ bytes }) => bytes.toString())).toEqual([
      'first line',
      'second line',
      'third',
    ])
  })

  test('asks for the next chunk only when all lines of the last one were taken', async () => {
    let pulled = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; pulled < 1000; pulled += 1) yield Buffer.from('a\nb\nc\n')
    }

    const lines = splitLines(source())
    for (let taken = 0; taken < 3; taken += 1) await lines.next()

    expect(pulled).toBe(0)
  })

  test('stops reading at a line that is too long, and lets the source clean up', async () => {
    let pulled = 0
    let isClosed = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          pulled += 1
          yield Buffer.alloc(1000, 'x')
        }
      } finally {
        isClosed = true
      }
    }

    const error = await failureOf(splitLines(endless(), { maxLineBytes: 10_000 }))

    expect(error).toMatchObject({ fault: 'too-long', lineNumber: 1, byteOffset: 0 })
    expect({ pulled, isClosed }).toEqual({ pulled: 11, isClosed: true })
  })

  test('memory follows the line, not the number of pieces it came in', async () => {
    const before = liveHeapBytes()
    let grownBy = 0
    async function* dripping(): AsyncGenerator<Uint8Array> {
      for (let index = 0; index < 100_000; index += 1) yield new Uint8Array([0x78])
      grownBy = liveHeapBytes() - before
    }

    const [line] = await collect(splitLines(dripping()))

    expect(line?.bytes).toHaveLength(100_000)
    expect(grownBy).toBeLessThan(2_000_000)
  })
})

async function* chunksOf(file: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < file.length; start += size) {
    // A copy with a smaller view than its memory, as sockets hand them out.
    yield new Uint8Array(Buffer.from(file.subarray(start, start + size)))
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

async function failureOf(items: AsyncIterable<unknown>, seen: unknown[] = []): Promise<unknown> {
  try {
    for await (const item of items) seen.push(item)
  } catch (error) {
    return error
  }
  throw new Error('It should have failed')
}

/** Bytes of the heap and of buffers that are still referred to. */
function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
