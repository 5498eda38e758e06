import { importResources } from '@flatfhir/store-sqlite'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { importFixture, line, withoutMeta } from './import-fixture.ts'

const MANY = Array.from({ length: 3000 }, (_, n) => line('Observation', `o${n}`, `,"n":${n}.50`))

describe('an import of files', () => {
  test('takes NDJSON, gzip, JSON and folders of folders, and nothing else', async () => {
    const fixture = await importFixture()
    await fixture.write('a.ndjson', `${MANY.join('\n')}\n`)
    await fixture.write('b.NDJSON.gz', gzipSync(`${line('Patient', 'b')}\n`))
    await mkdir(join(fixture.folder, 'deep', 'er'), { recursive: true })
    await writeFile(join(fixture.folder, 'deep', 'er', 'c.json'), line('Patient', 'c'))
    await fixture.write('d.json.gz', gzipSync(line('Patient', 'd')))
    await fixture.write('e.jsonl', line('Patient', 'e'))
    await fixture.write('notes.txt', line('Patient', 'no'))

    const { summary, problems } = await fixture.run()

    expect(problems).toEqual([])
    expect(summary).toMatchObject({ files: 5, resources: 3004, created: 3004, problems: 0 })
    const { lines, byName } = await fixture.contents()
    const observations = lines.filter(({ name }) => name.startsWith('Observation/'))
    expect(observations.map(({ text }) => withoutMeta(text)).toSorted()).toEqual(MANY.toSorted())
    expect([...byName.keys()].filter((name) => name.startsWith('Patient'))).toHaveLength(4)
  })

  test('makes no version of what is there already, and one of what changed', async () => {
    const fixture = await importFixture()
    const texts = ['a', 'b', 'c'].map((id) => line('Patient', id))
    await fixture.write('p.ndjson', texts.join('\n'))
    await fixture.run()
    const before = await fixture.contents()

    const { summary: same } = await fixture.run()
    const unchanged = await fixture.contents()
    await fixture.write('p.ndjson', [...texts.slice(1), line('Patient', 'a', ',"n":1')].join('\n'))
    const { summary: changed } = await fixture.run()

    expect(same).toMatchObject({ created: 0, updated: 0, unchanged: 3 })
    expect(unchanged.lines).toEqual(before.lines)
    expect(changed).toMatchObject({ created: 0, updated: 1, unchanged: 2 })
    const { byName } = await fixture.contents()
    expect(byName.get('Patient/a')?.resource).toMatchObject({ n: 1, meta: { versionId: '2' } })
    expect(byName.get('Patient/b')?.text).toBe(before.byName.get('Patient/b')?.text)
  })

  test('reports bad lines by place and without their content, and takes the rest', async () => {
    const fixture = await importFixture()
    const bad = [
      '{"resourceType":"Patient","id":"Smith',
      'Smith',
      '["Smith"]',
      line('Smith', 'x'),
      '{"resourceType":"Patient","name":"Smith"}',
      line('Patient', 'Smith/1'),
      line('Patient', 'nul', ',"name":"Smith\u0000"'),
      line('Patient', 'long', `,"name":"${'Smith'.repeat(200)}"`),
      line('Patient', 'deep', `,"Smith":${'['.repeat(300)}${']'.repeat(300)}`),
      line('Patient', 'twice', ',"id":"Smith"'),
      line(
        'Group',
        'date',
        ',"member":[{"entity":{"reference":"Patient/Smith"},"period":{"start":"2024-13"}}]',
      ),
    ]
    const good = bad.map((_, index) => line('Patient', `good${index}`))
    const notUtf8 = Buffer.from(`${line('Patient', 'latin', ',"name":"Smíth"')}\n`, 'latin1')
    const mixed = bad.flatMap((text, index) => [text, good[index] ?? '']).join('\n')
    const path = await fixture.write('p.ndjson', Buffer.concat([notUtf8, Buffer.from(mixed)]))

    const { summary, problems } = await fixture.run({ maxLineBytes: 800 })

    expect(problems.map((problem) => problem.line)).toEqual([1, ...bad.map((_, n) => 2 + 2 * n)])
    expect(problems.every((problem) => problem.path === path)).toBe(true)
    expect(JSON.stringify(problems)).not.toMatch(/Sm.?th/)
    expect(summary).toMatchObject({ created: good.length, problems: bad.length + 1 })
  })

  test('takes a byte order mark, CR LF, blank lines and a last line without line feed', async () => {
    const fixture = await importFixture()
    const text = `\ufeff${line('Patient', 'a')}\r\n\r\n  \n${line('Patient', 'b')}\r\n${line('Patient', 'c')}`
    await fixture.write('p.ndjson', text)
    await fixture.write('q.json', `\ufeff${line('Patient', 'd')}`)

    const { summary, problems } = await fixture.run()

    expect(problems).toEqual([])
    expect(summary.created).toBe(4)
    const { lines } = await fixture.contents()
    expect(lines.map((one) => withoutMeta(one.text))).toEqual(
      ['a', 'b', 'c', 'd'].map((id) => line('Patient', id)),
    )
  })

  test('reports a gzip file that is cut off, and takes what came before the cut', async () => {
    const fixture = await importFixture()
    const file = gzipSync(`${MANY.join('\n')}\n`)
    const path = await fixture.write('a.ndjson.gz', file.subarray(0, file.length / 2))
    await fixture.write('b.ndjson.gz', 'Smith, not gzip at all')
    await fixture.write('c.ndjson', line('Patient', 'c'))

    const { summary, problems } = await fixture.run()

    expect(problems).toHaveLength(2)
    expect(problems.find((problem) => problem.path === path)).toMatchObject({ line: undefined })
    expect(JSON.stringify(problems)).not.toContain('Smith')
    expect(summary.created).toBeGreaterThan(100)
    expect((await fixture.contents()).byName.has('Patient/c')).toBe(true)
  })

  test.each(['missing', 'notes.txt', 'empty'])(
    'refuses a path with nothing in it (%s)',
    async (name) => {
      const fixture = await importFixture()
      await fixture.write('notes.txt', 'x')
      await mkdir(join(fixture.folder, 'empty'))
      const paths = [join(fixture.folder, name)]

      const importing = importResources({ directory: fixture.directory, paths })

      await expect(importing).rejects.toMatchObject({ code: 'IMPORT_PATH' })
    },
  )
})

describe('an import of Bundles', () => {
  const entry = (fullUrl: string, resource: string, rest = ''): string =>
    `{"fullUrl":"${fullUrl}","resource":${resource}${rest}}`
  const bundle = (type: string, ...entries: readonly string[]): string =>
    `{"resourceType":"Bundle","type":"${type}","entry":[${entries.join(',\n')}]}`

  test.each(['collection', 'batch', 'transaction', 'searchset'])(
    'takes one of type %s apart, and leads its links to its entries',
    async (type) => {
      const fixture = await importFixture()
      const urn = 'urn:uuid:7a3d2f10-0000-4000-8000-000000000001'
      const observation = line(
        'Observation',
        'o',
        `,"subject":{"reference":"${urn}"},"performer":[{"reference":"https://a.example/fhir/Practitioner/d"}],"value":1.50`,
      )
      const post = ',"request":{"method":"POST","url":"Patient"}'
      await fixture.write(
        'b.json',
        bundle(
          type,
          entry(urn, '{"resourceType":"Patient"}', post),
          entry('https://a.example/fhir/Practitioner/d', line('Practitioner', 'd')),
          entry('urn:uuid:2', observation),
        ),
      )

      const { problems } = await fixture.run()
      const { summary } = await fixture.run()

      expect(problems).toEqual([])
      expect(summary).toMatchObject({ created: 0, unchanged: 3 })
      const { byName } = await fixture.contents()
      const id = urn.slice('urn:uuid:'.length)
      expect([...byName.keys()].toSorted()).toEqual([
        'Observation/o',
        `Patient/${id}`,
        'Practitioner/d',
      ])
      expect(withoutMeta(byName.get('Observation/o')?.text ?? '')).toBe(
        observation.replace(urn, `Patient/${id}`).replace('https://a.example/fhir/', ''),
      )
    },
  )

  test('takes writes and deletes in the order of the file', async () => {
    const fixture = await importFixture()
    const remove = (url: string): string => `{"request":{"method":"DELETE","url":"${url}"}}`
    const lines = [
      line('Patient', 'stays'),
      line('Patient', 'goes'),
      bundle('transaction', remove('Patient/stays'), remove('Patient/goes')).replaceAll('\n', ''),
      line('Patient', 'stays', ',"n":2'),
    ]
    await fixture.write('p.ndjson', lines.join('\n'))

    const { summary } = await fixture.run()

    expect(summary).toMatchObject({ created: 3, deleted: 2 })
    expect([...(await fixture.contents()).byName.keys()]).toEqual(['Patient/stays'])
  })

  test('reports a bad entry by its place, and takes the others', async () => {
    const fixture = await importFixture()
    await fixture.write(
      'b.json',
      bundle(
        'collection',
        entry('urn:uuid:1', line('Patient', 'a')),
        entry('urn:uuid:2', line('Smith', 'a')),
        entry('urn:uuid:3', line('Patient', 'c')),
      ),
    )
    await fixture.write('c.json', '{"resourceType":"Bundle","entry":"Smith"}')

    const { summary, problems } = await fixture.run()

    expect(problems.map((problem) => problem.entry)).toEqual([1, undefined])
    expect(JSON.stringify(problems)).not.toContain('Smith')
    expect(summary.created).toBe(2)
  })

  test('takes a resource that holds a Bundle for what it is', async () => {
    const fixture = await importFixture()
    const inner = '{"resourceType":"Bundle","type":"collection"}'
    const parameters = `{"parameter":[{"name":"a","resource":${inner}}],"resourceType":"Parameters","id":"p"}`
    await fixture.write('p.ndjson', parameters)

    const { problems } = await fixture.run()

    expect(problems).toEqual([])
    expect([...(await fixture.contents()).byName.keys()]).toEqual(['Parameters/p'])
  })
})
