import { expect, test } from 'vitest'
import { encodeExportStatus, parseExportStatus } from '../../src/http/export-status.ts'

test.each([
  [202, '202 Accepted'],
  [200, '200 OK'],
  [500, '500 Internal Server Error'],
  [404, '404 Not Found'],
  [418, '418'],
])('%i is written as %s, and read back', (status, text) => {
  expect(encodeExportStatus(status)).toBe(text)
  expect(parseExportStatus(text)).toBe(status)
})

test.each([0, 100, 201, 302, 600, 404.5, Number.NaN])('%s is no status of an export', (status) => {
  expect(() => encodeExportStatus(status)).toThrow(RangeError)
})

test.each([
  [' 202 ', 202],
  ['202\tWhatever the server says', 202],
  ['2020', undefined],
  ['Accepted', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j is read as %s', (header, status) => {
  expect(parseExportStatus(header)).toBe(status)
})
