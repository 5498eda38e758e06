import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  elementsOfPiece,
  GroupTextScanner,
  joinGroupText,
} from '../../src/resource-store/group-text-scanner.ts'
import { NodeSet } from '../../src/partitions/node-set.ts'

const members = fc.array(
  fc.record({ entity: fc.record({ reference: fc.string() }), rest: fc.jsonValue() }),
  { maxLength: 12 },
)
const others = fc.dictionary(
  fc.string().filter((key) => key !== 'member'),
  fc.jsonValue(),
)

const texts = fc.record({
  member: members,
  before: others,
  after: others,
  indent: fc.constantFrom(0, 1, 4),
  chunkBytes: fc.integer({ min: 1, max: 40 }),
  pieceBytes: fc.integer({ min: 0, max: 200 }),
})

test('takes any Group apart, however it is cut, and puts it together again', () => {
  fc.assert(
    fc.property(texts, ({ member, before, after, indent, chunkBytes, pieceBytes }) => {
      const object = { ...before, member, ...after }
      const text = Buffer.from(JSON.stringify(object, undefined, indent))
      const pieces: Uint8Array[] = []
      const scanner = new GroupTextScanner({ onPiece: (one) => pieces.push(one), pieceBytes })

      for (let at = 0; at < text.length; at += chunkBytes) {
        scanner.push(text.subarray(at, at + chunkBytes))
      }
      const shell = scanner.end()

      expect(Buffer.from(joinGroupText(shell, pieces)).equals(text)).toBe(true)
      const rest: unknown = JSON.parse(Buffer.from(shell.bytes).toString('utf8'))
      expect(rest).toEqual(throughJson({ ...object, member: [] }))
      const elements = pieces.flatMap(elementsOfPiece).map((one) => Buffer.from(one).toString())
      expect(elements.map((one) => JSON.parse(one) as unknown)).toEqual(throughJson(member))
    }),
  )
})

/** As JSON has it: -0 is 0. */
function throughJson(value: object): unknown {
  return JSON.parse(JSON.stringify(value))
}

test('a set of nodes holds what a set holds', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 200_000 })), (nodes) => {
      const set = new NodeSet()
      for (const node of nodes) set.add(node)
      const expected = [...new Set(nodes)].sort((a, b) => a - b)

      expect([...set]).toEqual(expected)
      expect(set.size).toBe(expected.length)
      expect([...set.jsonParts()].flatMap((part) => JSON.parse(part) as number[])).toEqual(expected)
      expect(set.has(200_001)).toBe(false)
    }),
  )
})
