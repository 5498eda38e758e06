export { jobStoreContract, type OpenJobStore } from './job-store-contract.ts'
export { outputFileStoreContract, type OpenOutputFileStore } from './output-file-store-contract.ts'
