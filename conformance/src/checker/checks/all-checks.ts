import { CHECK_IDS, type CheckId } from '../check-id.ts'
import type { Check } from '../check.ts'
import { FILE_ACCESS, TOKEN_ENDPOINT, TOKEN_REQUIRED } from './access-checks.ts'
import { DELETE, KICK_OFF, STATUS, UNKNOWN_JOB } from './export-checks.ts'
import { ELEMENTS, PATIENT, TYPE_FILTER } from './filter-checks.ts'
import { DELETED_FILES, ERROR_FILES, FILE_ENCODING, FILES, MANIFEST } from './manifest-checks.ts'
import {
  KICK_OFF_HEADERS,
  OUTPUT_FORMAT,
  REFUSALS,
  SEPARATE_EXPORT_STATUS,
  SINCE,
  TYPES,
} from './parameter-checks.ts'
import {
  CAPABILITY_STATEMENT,
  GROUP_READ,
  SMART_CONFIGURATION,
  TRANSPORT,
} from './server-checks.ts'
import { STU4 } from './stu4-check.ts'

const BY_ID: Readonly<Record<CheckId, Check>> = {
  transport: TRANSPORT,
  'capability-statement': CAPABILITY_STATEMENT,
  'smart-configuration': SMART_CONFIGURATION,
  'token-endpoint': TOKEN_ENDPOINT,
  'token-required': TOKEN_REQUIRED,
  'group-read': GROUP_READ,
  'kick-off': KICK_OFF,
  status: STATUS,
  manifest: MANIFEST,
  files: FILES,
  'file-encoding': FILE_ENCODING,
  'file-access': FILE_ACCESS,
  'deleted-files': DELETED_FILES,
  'error-files': ERROR_FILES,
  'kick-off-headers': KICK_OFF_HEADERS,
  refusals: REFUSALS,
  'output-format': OUTPUT_FORMAT,
  types: TYPES,
  since: SINCE,
  'separate-export-status': SEPARATE_EXPORT_STATUS,
  elements: ELEMENTS,
  'type-filter': TYPE_FILTER,
  patient: PATIENT,
  stu4: STU4,
  'unknown-job': UNKNOWN_JOB,
  delete: DELETE,
}

/** Every check, in the order in which they run. */
export const ALL_CHECKS: readonly Check[] = CHECK_IDS.map((id) => BY_ID[id])
