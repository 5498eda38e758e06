import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { readExport } from '@flatfhir/testkit'
import { importResources, SqliteResourceStore, type ImportProblem } from '@flatfhir/store-sqlite'
import { afterEach, expect, test } from 'vitest'
import { temporaryDirectory } from '../temporary-directory.ts'

const opened: SqliteResourceStore[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store[Symbol.asyncDispose]()))
})

/** A text of some two megabytes. */
const MEMBERS = 40_000

function groupText(id: string, members = MEMBERS): string {
  const roster = Array.from(
    { length: members },
    (_, index) => `{"entity":{"reference":"Patient/p${index}"},"inactive":${index > 1}}`,
  )
  return `{"resourceType":"Group","id":"${id}","type":"person","actual":true,"member":[${roster.join(', ')}],"quantity":${members}.0}`
}

interface Imported {
  readonly store: SqliteResourceStore
  readonly problems: readonly ImportProblem[]
  readonly resources: number
}

async function imported(
  files: Readonly<Record<string, string | Uint8Array>>,
  maxLineBytes?: number,
): Promise<Imported> {
  const directory = await temporaryDirectory()
  const folder = join(directory, 'files')
  await mkdir(folder)
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const problems: ImportProblem[] = []
  const { resources } = await importResources({
    directory,
    paths: [folder],
    onProblem: (problem) => problems.push(problem),
    ...(maxLineBytes !== undefined && { maxLineBytes }),
  })
  const store = await SqliteResourceStore.open({ directory })
  opened.push(store)
  return { store, problems, resources }
}

async function textOf(store: SqliteResourceStore, id: string): Promise<string> {
  const found = await store.read('Group', id)
  if (found.state !== 'found') throw new TypeError('There is no such Group')
  return Buffer.from(found.resource.body)
    .toString('utf8')
    .replace(/,"meta":\{[^}]*\}/, '')
}

const PATIENTS = ['p0', 'p1', 'p2'].map((id) => `{"resourceType":"Patient","id":"${id}"}\n`)

test.each<[string, Readonly<Record<string, string | Uint8Array>>]>([
  ['on a line between others', { 'a.ndjson': `${PATIENTS[0]}${groupText('g')}\n${PATIENTS[1]}` }],
  ['on a last line without an end', { 'a.ndjson': PATIENTS.join('') + groupText('g') }],
  ['in a gzip file', { 'a.ndjson.gz': gzipSync(PATIENTS.join('') + groupText('g')) }],
  ['in a file of its own', { 'a.ndjson': PATIENTS.join(''), 'g.json': groupText('g') }],
])('a large Group %s is imported whatever the longest line, byte for byte', async (_, files) => {
  const { store, problems } = await imported(files, 64 * 1024)

  const { lines } = await readExport(store, { level: 'group', groupId: 'g', types: ['Patient'] })

  expect(problems).toEqual([])
  expect((await textOf(store, 'g')) === groupText('g')).toBe(true)
  expect(lines.map(({ name }) => name)).toEqual(['Patient/p0', 'Patient/p1'])
})

test.each([
  [
    'a member that is none',
    (text: string) => text.replace('"Patient/p30000"},', '"Patient/p3"}],'),
  ],
  ['no end', (text: string) => text.slice(0, -40)],
  ['no id', (text: string) => text.replace('"id":"bad",', '')],
])(
  'a large Group with %s is left out as a whole, and the lines around it are read',
  async (_, spoil) => {
    const lines = [PATIENTS[0], spoil(groupText('bad')), '\n', groupText('g'), '\n', PATIENTS[1]]

    const { store, problems, resources } = await imported({ 'a.ndjson': lines.join('') })

    expect(problems).toMatchObject([{ line: 2 }])
    expect(resources).toBe(3)
    expect((await store.head('Group', 'bad')).state).toBe('unknown')
    expect((await textOf(store, 'g')) === groupText('g')).toBe(true)
  },
)
