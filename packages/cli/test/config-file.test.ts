import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configFileTables } from '../src/commands/registry.ts'
import { configFileLayer, readConfigFile, type ConfigFile } from '../src/options/config-file.ts'

let cwd: string

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'flatfhir-config-'))
})

afterEach(async () => {
  await rm(cwd, { recursive: true })
})

describe('readConfigFile', () => {
  test('finds flatfhir.toml in the working directory', async () => {
    await writeFile(join(cwd, 'flatfhir.toml'), 'data = "d"\n[serve]\nport = 9\n')

    expect(await readConfigFile(undefined, cwd)).toEqual({
      fileName: 'flatfhir.toml',
      directory: '',
      content: { data: 'd', serve: { port: 9 } },
    })
  })

  test('reads JSON where the name says so, and remembers the directory', async () => {
    await mkdir(join(cwd, 'etc'))
    await writeFile(join(cwd, 'etc', 'my.json'), '{"data":"d"}')

    expect(await readConfigFile(join('etc', 'my.json'), cwd)).toEqual({
      fileName: 'my.json',
      directory: 'etc',
      content: { data: 'd' },
    })
  })

  test('is content without a file unless one is named', async () => {
    expect(await readConfigFile(undefined, cwd)).toBeUndefined()

    await expect(readConfigFile('x.toml', cwd)).rejects.toMatchObject({
      code: 'CONFIG_FILE_INVALID',
      message: 'x.toml: there is no such file',
    })
  })

  test.each([
    ['flatfhir.toml', 'a = "secret"\nb = = 1\n', 'is not TOML (line 2)'],
    ['my.json', '{"a": secret}', 'is not JSON'],
    ['my.json', '["secret"]', 'is not an object'],
  ])('says what is wrong with %s and quotes none of it', async (name, content, expected) => {
    await writeFile(join(cwd, name), content)

    const error = await readConfigFile(name, cwd).catch((thrown: unknown) => thrown)

    expect(error).toMatchObject({ code: 'CONFIG_FILE_INVALID', message: `${name}: ${expected}` })
    expect(String((error as Error).cause) + String(error)).not.toContain('secret')
  })
})

describe('configFileLayer', () => {
  const layer = (content: ConfigFile['content'], command: string): Record<string, unknown> => ({
    ...configFileLayer({ fileName: 'f.toml', directory: '', content }, command, configFileTables())
      .values,
  })

  test("the command's table wins over the top, and other tables are not looked at", () => {
    const content = {
      data: 'top',
      'max-file-size': '1GiB',
      serve: { data: 'serve', port: 9 },
      import: { data: 'import' },
    }

    expect(layer(content, 'serve')).toEqual({ data: 'serve', maxFileSize: '1GiB', port: 9 })
    expect(layer(content, 'import')).toEqual({ data: 'import' })
    expect(layer(content, 'synth')).toEqual({})
  })

  test('a table in a table is for a command of two words', () => {
    const content = { key: 'top', keys: { create: { alg: ['RS384'] }, rotate: { overlap: '1d' } } }

    expect(layer(content, 'keys create')).toEqual({ key: 'top', alg: ['RS384'] })
    expect(layer(content, 'keys show')).toEqual({ key: 'top' })
  })

  test.each([
    ['unknown', { unknown: 1 }],
    ['serve.patients', { serve: { patients: 1 } }],
    ['export.port', { export: { port: 1 } }],
    ['config', { config: 'other.toml' }],
    ['maxFileSize', { maxFileSize: 1 }],
    ['serve', { serve: 1 }],
    ['keys.creat', { keys: { creat: { alg: 'x' } } }],
    ['keys.create', { keys: { create: 1 } }],
    ['keys.create.data', { keys: { create: { data: 'd' } } }],
    ['keys', { keys: 1 }],
    ['toString', { toString: 1 }],
    ['__proto__', JSON.parse('{"__proto__": 1}') as ConfigFile['content']],
  ])('the unknown key "%s" is an error that names it, whatever the command', (key, content) => {
    expect(() => layer(content, 'synth')).toThrow(`f.toml: unknown key "${key}"`)
  })
})
