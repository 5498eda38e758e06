import { CLIENT_REQUIREMENTS } from './client.ts'
import { FILES_REQUIREMENTS } from './files.ts'
import { KICK_OFF_REQUIREMENTS } from './kick-off.ts'
import { MANIFEST_REQUIREMENTS } from './manifest.ts'
import { PARAMETERS_REQUIREMENTS } from './parameters.ts'
import type { Requirement, Requirements } from './requirement.ts'
import { SECURITY_REQUIREMENTS } from './security.ts'
import { SERVER_REQUIREMENTS } from './server.ts'
import { SMART_CLIENT_REQUIREMENTS } from './smart-client.ts'
import { SMART_SERVER_REQUIREMENTS } from './smart-server.ts'
import { STATUS_REQUIREMENTS } from './status.ts'
import { STU1_REQUIREMENTS } from './stu1.ts'
import { STU3_REQUIREMENTS } from './stu3.ts'
import { STU4_REQUIREMENTS } from './stu4.ts'

/** Every requirement that this product is measured by. */
export const REQUIREMENTS: Requirements = {
  ...STU1_REQUIREMENTS,
  ...SECURITY_REQUIREMENTS,
  ...SERVER_REQUIREMENTS,
  ...KICK_OFF_REQUIREMENTS,
  ...PARAMETERS_REQUIREMENTS,
  ...STATUS_REQUIREMENTS,
  ...MANIFEST_REQUIREMENTS,
  ...FILES_REQUIREMENTS,
  ...CLIENT_REQUIREMENTS,
  ...STU3_REQUIREMENTS,
  ...STU4_REQUIREMENTS,
  ...SMART_SERVER_REQUIREMENTS,
  ...SMART_CLIENT_REQUIREMENTS,
}

/**
 * The requirement with this id.
 *
 * @throws RangeError when there is none.
 */
export function requirementOf(id: string): Requirement {
  const requirement = REQUIREMENTS[id]
  if (requirement === undefined) throw new RangeError(`No requirement has the id ${id}`)
  return requirement
}
