import {
  readResourceText,
  ResourceInvalidError,
  type OutcomeIssue,
  type ResourceType,
} from '@flatfhir/protocol'
import type { StoredResource, WriteOperation, WriteResult } from '@flatfhir/server'
import { randomUUID } from 'node:crypto'
import { typeCode } from './keys.ts'
import { indexResource, type IndexedResource } from './resource-index.ts'
import type { ResourceWriter, WriteEffect } from './resource-writer.ts'

/** A write whose resource was read and indexed, or turned out to be unreadable. */
export type PreparedWrite =
  | {
      readonly kind: 'put'
      readonly type: ResourceType
      readonly resource: IndexedResource
      readonly ifMatch: string | undefined
    }
  | {
      readonly kind: 'delete'
      readonly type: ResourceType
      readonly id: string
      readonly ifMatch: string | undefined
    }
  | { readonly kind: 'invalid'; readonly issue: OutcomeIssue }

/** Reads and checks what a write brings; needs no transaction. */
export function prepareWrite(operation: WriteOperation, newId: () => string): PreparedWrite {
  if (operation.kind === 'delete') {
    return { ...operation, ifMatch: operation.ifMatch }
  }
  try {
    const text = readResourceText(operation.body)
    if (text.type !== operation.type) {
      throw new ResourceInvalidError('wrong-type', 'resourceType is not the type of the URL')
    }
    if (operation.kind === 'create') {
      const resource = indexResource(text, newId())
      return { kind: 'put', type: text.type, resource, ifMatch: undefined }
    }
    if (text.id !== operation.id) {
      throw new ResourceInvalidError('wrong-id', 'id is not the id of the URL')
    }
    const resource = indexResource(text, operation.id)
    return { kind: 'put', type: text.type, resource, ifMatch: operation.ifMatch }
  } catch (error) {
    return { kind: 'invalid', issue: issueOf(error) }
  }
}

/** New ids for resources that come without one. */
export function newResourceId(): string {
  return randomUUID()
}

/** Within a transaction: carries out a prepared write. */
export function applyWrite(writer: ResourceWriter, write: PreparedWrite): WriteResult {
  if (write.kind === 'invalid') return { state: 'invalid', issue: write.issue }
  const { type } = write
  const id = write.kind === 'put' ? write.resource.id : write.id
  const conflict = versionConflict(writer, { type, id, ifMatch: write.ifMatch })
  if (conflict !== undefined) return conflict
  const effect =
    write.kind === 'put' ? writer.put(write.resource) : writer.delete(typeCode(type), id)
  return writeResult(writer, effect, { type, id })
}

function versionConflict(
  writer: ResourceWriter,
  { type, id, ifMatch }: { type: ResourceType; id: string; ifMatch: string | undefined },
): WriteResult | undefined {
  if (ifMatch === undefined) return undefined
  const current = writer.current(typeCode(type), id)
  const isThere = current !== undefined && current.bytes > 0
  const currentVersionId = isThere ? String(current.version) : undefined
  if (currentVersionId === ifMatch) return undefined
  return { state: 'version-conflict', type, id, currentVersionId }
}

function writeResult(
  writer: ResourceWriter,
  effect: WriteEffect,
  { type, id }: { type: ResourceType; id: string },
): WriteResult {
  const { state, key } = effect
  if (state === 'absent' || key === undefined) return { state: 'absent', type, id }
  const row = writer.version(key)
  const lastUpdated = writer.writtenAt(row)
  const versionId = String(row.version)
  if (state === 'deleted') return { state, type, id, versionId, lastUpdated }
  const resource: StoredResource = { type, id, versionId, lastUpdated, body: writer.body(key) }
  return { state, resource }
}

/** What an OperationOutcome says of a text that cannot be taken. */
export function issueOf(error: unknown): OutcomeIssue {
  if (!(error instanceof ResourceInvalidError)) throw error
  const code =
    error.fault === 'wrong-id' || error.fault === 'wrong-type' ? 'invariant' : 'structure'
  return { severity: 'error', code, diagnostics: sentence(error.message) }
}

function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1)
}
