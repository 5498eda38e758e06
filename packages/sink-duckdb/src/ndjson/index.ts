export {
  LandingFileChangedError,
  LandingFileDamagedError,
  LandingFileMissingError,
  LandingLineInvalidError,
  LandingRefusedError,
} from './errors.ts'
export { ndjsonLinesSql, withNdjsonLines } from './ndjson-lines.ts'
export { readFileFacts, type FileFacts } from './file-facts.ts'
export { sqlPath, sqlText } from './sql-text.ts'
export { RAW_COMPRESSION, STORAGE_COMPATIBILITY_VERSION } from './storage.ts'
