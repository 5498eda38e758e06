import fc from 'fast-check'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { createGunzip, gunzipSync, inflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { GzipMember } from '../../src/output-files/gzip-member.ts'

function encode(blocks: readonly Uint8Array[], level = 1): Buffer {
  const member = new GzipMember(level)
  return Buffer.concat([
    member.header(),
    ...blocks.map((block) => member.block(block)),
    member.trailer(),
  ])
}

test('gives back what went in, whatever the blocks and the level', () => {
  const blocks = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 8 })
  fc.assert(
    fc.property(blocks, fc.integer({ min: 1, max: 9 }), (pieces, level) => {
      expect(gunzipSync(encode(pieces, level)).equals(Buffer.concat(pieces))).toBe(true)
    }),
  )
})

test.each(['text', 'noise'])('takes blocks of a megabyte and more (%s)', async (kind) => {
  const line = Buffer.from('{"resourceType":"Patient","id":"é"}\n')
  const blocks = [1_000_000, 3_333_333, 1].map((size) => {
    return kind === 'noise' ? randomBytes(size) : Buffer.alloc(size, line)
  })

  const encoded = encode(blocks)

  const whole = Buffer.concat(blocks)
  expect(gunzipSync(encoded).equals(whole)).toBe(true)
  const streamed = await buffer(Readable.from([encoded]).pipe(createGunzip()))
  expect(streamed.equals(whole)).toBe(true)
})

test('is one single member, for clients that stop after the first', () => {
  const blocks = [Buffer.from('first\n'), Buffer.from('second\n'), Buffer.from('third\n')]

  const encoded = encode(blocks)

  // One raw deflate stream from the header's end to the trailer's eight bytes.
  expect(inflateRawSync(encoded.subarray(10, -8)).toString()).toBe('first\nsecond\nthird\n')
})

test('satisfies the gzip command', ({ skip }) => {
  const encoded = encode([Buffer.alloc(300_000, 'abc\n'), randomBytes(300_000)])

  const gzip = spawnSync('gzip', ['--test', '--verbose'], { input: encoded })

  if (gzip.error !== undefined) skip()
  expect(gzip.stderr.toString()).toContain('OK')
  expect(gzip.status).toBe(0)
})

test('has the same bytes for the same content, at every time', () => {
  const blocks = [Buffer.from('x'.repeat(1000))]

  expect(encode(blocks).equals(encode(blocks))).toBe(true)
})
