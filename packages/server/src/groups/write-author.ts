import { RESOURCE_TYPES } from '@flatfhir/protocol'
import type { WriteAuthor } from '../resource-store.ts'
import type { Requester } from '../http/access.ts'

/**
 * Who writes, as far as Groups are concerned. A member filter tells who has a resource that it finds:
 * it may search only types of which the client may export everything.
 */
export function writeAuthor({ client, rights }: Requester): WriteAuthor {
  const searchable = RESOURCE_TYPES.filter(
    (type) => rights.mayExport(type) && rights.exportConstraints(type) === undefined,
  )
  return {
    ...(client !== undefined && { clientId: client.clientId }),
    groups: rights.groups,
    searchable: searchable.length === RESOURCE_TYPES.length ? 'all' : searchable,
  }
}
