import {
  readResourceText,
  ResourceInvalidError,
  type OutcomeIssue,
  type ResourceType,
} from '@flatfhir/protocol'
import type { StoredResource, WriteAuthor, WriteOperation, WriteResult } from '@flatfhir/server'
import { randomUUID } from 'node:crypto'
import { authorFault, memberFault } from './author-rights.ts'
import { typeCode } from './keys.ts'
import { indexResource, type IndexedResource } from './resource-index.ts'
import { indexShell, readPiece, SPLIT_BYTES, splitGroup } from './split-group.ts'
import type { ResourceWriter, WriteEffect } from './resource-writer.ts'

/** A write whose resource was read and indexed, or turned out to be unreadable. */
export type PreparedWrite =
  | {
      readonly kind: 'put'
      readonly type: ResourceType
      readonly resource: IndexedResource
      /** Texts of a large Group's roster, whose members are read when it is written. */
      readonly pieces?: readonly Uint8Array[]
      readonly author?: WriteAuthor | undefined
      /** Whether the author becomes the owner, where it is a Group. */
      readonly isCreate: boolean
      readonly ifMatch: string | undefined
    }
  | {
      readonly kind: 'delete'
      readonly type: ResourceType
      readonly id: string
      readonly ifMatch: string | undefined
    }
  | { readonly kind: 'invalid'; readonly issue: OutcomeIssue }

/** How writes are prepared. */
export interface PreparingOptions {
  readonly newId: () => string
  readonly author?: WriteAuthor | undefined
}

/** Reads and checks what a write brings; needs no transaction. */
export function prepareWrite(
  operation: WriteOperation,
  { newId, author }: PreparingOptions,
): PreparedWrite {
  if (operation.kind === 'delete') {
    return { ...operation, ifMatch: operation.ifMatch }
  }
  try {
    const isCreate = operation.kind === 'create'
    const read = readOperation(operation, isCreate ? newId() : operation.id)
    const issue = authorFault(read.resource, author)
    if (issue !== undefined) return { kind: 'invalid', issue }
    const ifMatch = isCreate ? undefined : operation.ifMatch
    return { kind: 'put', type: operation.type, ...read, author, isCreate, ifMatch }
  } catch (error) {
    return { kind: 'invalid', issue: issueOf(error) }
  }
}

/** A Group whose text was taken apart where it is large, or any other resource. */
interface ReadResource {
  readonly resource: IndexedResource
  readonly pieces?: readonly Uint8Array[]
}

function readOperation(
  { kind, type, body }: Exclude<WriteOperation, { kind: 'delete' }>,
  id: string,
): ReadResource {
  const split = type === 'Group' && body.length > SPLIT_BYTES ? splitGroup(body) : undefined
  const text = readResourceText(split === undefined ? body : split.shell.bytes)
  if (text.type !== type) {
    throw new ResourceInvalidError('wrong-type', 'resourceType is not the type of the URL')
  }
  if (kind === 'update' && text.id !== id) {
    throw new ResourceInvalidError('wrong-id', 'id is not the id of the URL')
  }
  // A large text may have a small roster.
  if (split === undefined || split.pieces.length === 0) return { resource: indexResource(text, id) }
  return { resource: indexShell(split.shell, id), pieces: split.pieces }
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
  const effect = write.kind === 'put' ? applyPut(writer, write) : writer.delete(typeCode(type), id)
  if ('issue' in effect) return { state: 'invalid', issue: effect.issue }
  return writeResult(writer, effect, { type, id })
}

type PutEffect = WriteEffect | { readonly issue: OutcomeIssue }

function applyPut(
  writer: ResourceWriter,
  write: Extract<PreparedWrite, { kind: 'put' }>,
): PutEffect {
  const { resource, author, isCreate, type } = write
  const effect = putResource(writer, write, author)
  const owner = author?.clientId
  if (isCreate && owner !== undefined && type === 'Group' && !('issue' in effect)) {
    writer.setOwner(resource.id, owner)
  }
  return effect
}

/** Within a transaction: writes a resource, or a large Group piece by piece. */
export function putResource(
  writer: ResourceWriter,
  { resource, pieces }: ReadResource,
  author: WriteAuthor | undefined,
): PutEffect {
  if (pieces === undefined) return writer.put(resource)
  writer.beginGroup()
  const issue = addPieces(writer, pieces, author)
  if (issue === undefined) return writer.finishGroup(resource)
  writer.abandonGroup()
  return { issue }
}

function addPieces(
  writer: ResourceWriter,
  pieces: readonly Uint8Array[],
  author: WriteAuthor | undefined,
): OutcomeIssue | undefined {
  try {
    let index = 0
    for (const text of pieces) {
      const piece = readPiece(text, index)
      const issue = memberFault(piece.members, author)
      if (issue !== undefined) return issue
      writer.addPiece(piece)
      index += piece.count
    }
    return undefined
  } catch (error) {
    return issueOf(error)
  }
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
