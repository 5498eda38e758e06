import { SqliteResourceStore } from '@flatfhir/store-sqlite'
import { resourceStoreContract } from '@flatfhir/testkit'
import { temporaryDirectory } from '../temporary-directory.ts'

const runs = process.env['FLATFHIR_SOAK_RUNS']

resourceStoreContract(
  'SqliteResourceStore',
  async () => {
    const directory = await temporaryDirectory()
    return () => SqliteResourceStore.open({ directory })
  },
  runs === undefined ? {} : { runs: Number(runs) },
)
