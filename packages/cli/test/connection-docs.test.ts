import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { expect, test } from 'vitest'
import { ALARM_CODES } from '../src/connection/connection.ts'
import { parseConnection } from '../src/connection/read-connection.ts'
import { connectionReference } from '../src/reference/connection-reference.ts'

const PAGE = fileURLToPath(new URL('../../../docs/sync-connection.md', import.meta.url))

test('the page of the connection file has every key, as the code has it', async () => {
  const page = await readFile(PAGE, 'utf8')
  const [, written = ''] = /<!-- keys: .* -->\n\n([^]*)\n<!-- \/keys -->/.exec(page) ?? []
  const options = await resolveConfig(PAGE)

  expect(written).toBe(await format(connectionReference(), { ...options, parser: 'markdown' }))
})

test('the example on the page is one that is taken', async () => {
  const [, example = ''] = /```toml\n([^]*?)```/.exec(await readFile(PAGE, 'utf8')) ?? []

  expect(parseConnection(example, { name: 'ehr.toml', cwd: '/srv' })).toMatchObject({
    data: { level: 'group', groups: ['diabetes', 'hypertension'] },
    sinks: { duckdb: '/srv/warehouse.duckdb', parquet: '/srv/lake' },
    workDirectory: '/var/lib/flatfhir/ehr',
  })
})

test('the page has every alarm', async () => {
  const page = await readFile(PAGE, 'utf8')

  for (const code of ALARM_CODES) expect(page).toContain(`| \`${code}\``)
})
