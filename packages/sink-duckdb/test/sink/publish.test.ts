import { land, LandingFolder, observationText, resourceText } from '@flatfhir/testkit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDirectory, makePlace } from './place.ts'

interface Manifest {
  readonly partitions: readonly { readonly type: string; readonly files: readonly unknown[] }[]
}

async function manifestOf(directory: string): Promise<string> {
  return readFile(join(directory, '_manifest.json'), 'utf8')
}

function partitionOf(manifest: string, type: string): unknown {
  return (JSON.parse(manifest) as Manifest).partitions.find((one) => one.type === type)
}

test('a dataset follows the database, type by type, and only when something changed', async () => {
  await using folder = new LandingFolder()
  const parquetDirectory = join(await makeDirectory(), 'dataset')
  const place = await makePlace({ parquetDirectory })
  const publish = async (): Promise<string> => {
    await using session = await place.sink().open()
    await session.publish()
    return await manifestOf(parquetDirectory)
  }
  await land(place.sink(), folder, {
    changes: [resourceText('Patient', 'p'), observationText('a', 'p')],
  })

  const first = await publish()
  const again = await publish()
  await land(place.sink(), folder, { changes: [observationText('b', 'p')] })
  const second = await publish()

  expect(again).toBe(first)
  expect(partitionOf(first, 'Observation')).toMatchObject({ type: 'Observation' })
  expect(partitionOf(second, 'Patient')).toEqual(partitionOf(first, 'Patient'))
  expect(partitionOf(second, 'Observation')).not.toEqual(partitionOf(first, 'Observation'))
})

test('a dataset is not made before anything is committed', async () => {
  const parquetDirectory = join(await makeDirectory(), 'dataset')
  const place = await makePlace({ parquetDirectory })
  await using session = await place.sink().open()

  await session.publish()

  await expect(manifestOf(parquetDirectory)).rejects.toMatchObject({ code: 'ENOENT' })
})
