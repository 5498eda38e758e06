// A process that imports a folder, made to be killed; tells its parent of every transaction.
import { importResources } from '@flatfhir/store-sqlite'

const [, , directory, folder] = process.argv
const onProgress = () => process.send?.('progress')
await importResources({ directory, paths: [folder], onProgress })
process.disconnect?.()
