import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acceptsFhirJson, acceptsGzip } from '../../src/http/accept.ts'

test.each([
  [undefined, true],
  ['', true],
  ['*/*', true],
  ['application/*', true],
  ['application/fhir+json', true],
  ['Application/FHIR+JSON', true],
  ['application/fhir+json;fhirVersion=4.0', true],
  ['application/fhir+json; q=0.1', true],
  ['application/json, application/fhir+json;q=0.9', true],
  ['application/json;q=0.9, */*;q=0.001', true],
  ['text/html, application/xhtml+xml, */*;q=0.8', true],
  ['application/json', false],
  ['application/fhir+ndjson', false],
  ['application/fhir+xml', false],
  ['text/*', false],
  ['application/fhir+json;q=0', false],
  ['application/fhir+json;q=0, */*', false],
  ['application/*;q=0, */*', false],
  ['*/*;q=0', false],
  ['application/fhir+json;q=abc', false],
  ['text/plain;x="application/fhir+json, */*"', false],
])('Accept: %s admits FHIR JSON: %s', (header, expected) => {
  expect(acceptsFhirJson(header)).toBe(expected)
})

test.each([
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['x-gzip', true],
  ['gzip, deflate, br', true],
  ['gzip;q=0.5', true],
  ['gzip;q=0', false],
  ['gzip;q=0.000', false],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0, *', false],
  ['deflate, br', false],
  ['identity', false],
  ['identity;q=0', false],
  ['identity;q=0, gzip;q=0.1', true],
  ['gzip;q=0.5, identity;q=0.8', false],
  ['gzip;q=0.8, identity;q=0.5', true],
  ['gzip, identity', true],
  ['gzip;q=2', false],
])('Accept-Encoding: %s admits gzip: %s', (header, expected) => {
  expect(acceptsGzip(header)).toBe(expected)
})

test('never throw', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      expect(typeof acceptsFhirJson(header)).toBe('boolean')
      expect(typeof acceptsGzip(header)).toBe('boolean')
    }),
  )
})
