import {
  CHECK_FORMATS,
  renderHtml,
  renderJson,
  renderJunit,
  renderReport,
  renderTerminal,
  type CheckReport,
  type Finding,
} from '@flatfhir/conformance'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const HOSTILE = '<script>alert(1)</script>"\'&]]>\u0000\u001b[31m\u202e\ud800'

function finding(outcome: Finding['outcome'], text: string): Finding {
  return {
    ...{ requirement: 'flatfhir.stu3@until', outcome, strength: 'SHALL', edition: 'STU3' },
    ...{ behavior: text, source: `https://example.org/#${text}`, seen: text },
  }
}

function reportWith(text: string): CheckReport {
  return {
    formatVersion: 1,
    ...{ url: `https://example.org/${text}`, software: text },
    ...{ startedAt: '2026-11-01T12:00:00.000Z', finishedAt: '2026-11-01T12:00:02.500Z' },
    verdict: 'fail',
    counts: { pass: 1, fail: 1, warning: 1, skipped: 1 },
    effort: { requests: 4, kickOffs: 2, bytes: 10, leftBehind: 1 },
    checks: [
      {
        ...{ check: 'kick-off', title: 'Kick-offs', outcome: 'fail', notes: [text] },
        ...{ findings: [finding('fail', text), finding('pass', text)], durationMs: 1500 },
      },
      {
        ...{ check: 'status', title: 'Status', outcome: 'warning', notes: [] },
        ...{ findings: [finding('warning', text)], durationMs: 1 },
      },
      {
        ...{ check: 'delete', title: 'Delete', outcome: 'skipped', notes: [], reason: text },
        ...{ findings: [], durationMs: 0 },
      },
      {
        ...{ check: 'files', title: 'Files', outcome: 'pass', notes: [] },
        ...{ findings: [finding('pass', text)], durationMs: 0 },
      },
    ],
  }
}

/** A small reader of XML: throws unless every tag is closed, every `&` an entity. */
function readXml(xml: string): readonly string[] {
  const open: string[] = []
  const names: string[] = []
  const body = xml.replace(/^<\?xml[^?]*\?>/, '').replace(/^<!doctype html>/, '')
  for (const [, text = '', tag = ''] of body.matchAll(/([^<]*)(<[^>]*>|$)/g)) {
    expect(text.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toMatch(/[&>]/)
    if (tag === '') continue
    const parsed = /^<(\/?)([a-z0-9-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>$/i.exec(tag)
    if (parsed === null) throw new Error(`Not a tag: ${tag}`)
    const [, closes, name = '', attributes = '', empty] = parsed
    expect(attributes.replace(/&(?:amp|lt|gt|quot|#39);/g, '')).not.toContain('&')
    if (closes === '/') expect(open.pop()).toBe(name)
    else {
      names.push(name)
      if (empty !== '/' && name !== 'meta') open.push(name)
    }
  }
  expect(open).toEqual([])
  return names
}

describe('JUnit', () => {
  test('has a test case for each check, and says why it failed', () => {
    const xml = renderJunit(reportWith('plain'))

    expect(readXml(xml).filter((name) => name === 'testcase')).toHaveLength(4)
    expect(xml).toContain('tests="4" failures="1" errors="0" skipped="1" time="2.500"')
    expect(xml).toContain('<failure message="flatfhir.stu3@until">')
    expect(xml).toContain('<skipped message="plain"/>')
  })

  test('a run that was stopped is an error', () => {
    expect(renderJunit({ ...reportWith('x'), verdict: 'stopped' })).toContain('errors="1"')
  })

  test('is XML, whatever a server says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const xml = renderJunit(reportWith(`${text}${HOSTILE}`))
        readXml(xml)
        expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/)
        expect(xml).not.toMatch(/\p{Surrogate}/u)
      }),
    )
  })
})

describe('HTML', () => {
  test('is one page that loads nothing', () => {
    const html = renderHtml(reportWith('plain'))

    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=/i)
    expect(html).toContain(`default-src 'none'`)
    expect(html).toContain('<html lang="en">')
    expect(html).toContain('prefers-color-scheme: dark')
    expect(html).toContain('<th scope="col">')
  })

  test('says each outcome in words, not by colour alone', () => {
    const html = renderHtml(reportWith('plain'))

    for (const word of ['Pass', 'Fail', 'Warning', 'Skipped']) expect(html).toContain(`>${word}<`)
  })

  test('runs nothing that a server says', () => {
    const html = renderHtml(reportWith(HOSTILE))
    const content = html.replace(/<style>[^]*<\/style>/, '')

    expect(html).not.toContain('<script')
    expect(content).toContain('&lt;script&gt;')
    readXml(content.replace(/(<meta[^>]*content=")default-src[^"]*"/, '$1x"'))
  })
})

describe('terminal', () => {
  test.each([40, 60, 80, 132])('has no line longer than %i columns', (width) => {
    const text = renderTerminal(reportWith(`${'long words '.repeat(20)}${'x'.repeat(300)}`), {
      width,
    })

    for (const line of text.split('\n')) expect(Array.from(line).length).toBeLessThanOrEqual(width)
  })

  test('shows what failed with id, what was seen and source, and what holds only on request', () => {
    const report = reportWith('plain')

    expect(renderTerminal(report)).toMatch(
      /✗ FAIL Kick-offs[^]*flatfhir\.stu3@until SHALL[^]*seen: plain[^]*see https/,
    )
    const count = (text: string): number => text.split('flatfhir.stu3@until').length - 1
    const verbose = renderTerminal(report, { verbose: true })
    expect(count(verbose)).toBeGreaterThan(count(renderTerminal(report)))
    expect(verbose).toContain('1 exports could not be deleted')
  })

  test('lets no text of a server control the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const shown = renderTerminal(reportWith(`${text}${HOSTILE}`))
        expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }),
    )
  })
})

test('each form can be had by its name', () => {
  const report = reportWith('plain')
  const beginnings = { text: 'Bulk Data', json: '{', junit: '<?xml', html: '<!doctype html>' }

  for (const format of CHECK_FORMATS) {
    expect(renderReport(report, format).startsWith(beginnings[format])).toBe(true)
  }
})

test('JSON is the report itself', () => {
  const report = reportWith('plain')

  expect(JSON.parse(renderJson(report))).toEqual(report)
})
