import type { OutcomeIssue } from '@flatfhir/protocol'
import type { JsonObject } from '@flatfhir/search'
import type { ExportQuery, ResourceBlock } from '../resource-store.ts'
import { changeLines } from './block-lines.ts'
import type { BlockStep, BlockTransform } from './block-transform.ts'
import { binariesLeftOut, documentOfBinary, PatientBinaries } from './patient-binaries.ts'
import type { resourceFinder } from './resource-finder.ts'

const SECURITY_CONTEXT = Buffer.from('"securityContext"')

/** What {@link documentTransform} is made of. */
export interface DocumentTransformParts {
  readonly query: ExportQuery
  readonly find: ReturnType<typeof resourceFinder>
  /** Which Binaries are in the export at all. */
  readonly admitted: readonly BlockStep[]
  /** What is done to those that stay Binaries. */
  readonly steps: readonly BlockStep[]
  /** What is done to the DocumentReferences that they become. */
  readonly ofDocuments: readonly BlockStep[]
}

/** For blocks of Binaries: those of patients are taken out, and become DocumentReferences. */
export function documentTransform(parts: DocumentTransformParts): BlockTransform {
  const { admitted, steps, ofDocuments } = parts
  const binaries = new PatientBinaries(parts.query, parts.find)
  const apply = (all: readonly BlockStep[], block: ResourceBlock): ResourceBlock =>
    all.reduce((done, step) => step(done), block)
  return (block) => {
    const { others, documents, leftOut } = divide(apply(admitted, block), binaries)
    const issues = leftOut === 0 ? [] : [binariesLeftOut(leftOut)]
    const kept = apply(steps, withIssues(others, issues))
    if (documents === undefined) return kept
    return { ...kept, documents: apply(ofDocuments, documents) }
  }
}

interface Divided {
  readonly others: ResourceBlock
  readonly documents: ResourceBlock | undefined
  readonly leftOut: number
}

function divide(block: ResourceBlock, binaries: PatientBinaries): Divided {
  const bytes = Buffer.from(block.bytes.buffer, block.bytes.byteOffset, block.bytes.length)
  if (!bytes.includes(SECURITY_CONTEXT)) {
    return { others: block, documents: undefined, leftOut: 0 }
  }
  const documents: string[] = []
  let leftOut = 0
  const others = changeLines(block, (line) => {
    const binary = JSON.parse(line.toString('utf8')) as JsonObject
    const patients = binaries.patientsOf(binary)
    if (patients.length === 0) return line
    if (binaries.mayBeDocuments) documents.push(JSON.stringify(documentOfBinary(binary, patients)))
    else leftOut += 1
    return undefined
  })
  return { others, documents: blockOf(documents), leftOut }
}

function blockOf(lines: readonly string[]): ResourceBlock | undefined {
  if (lines.length === 0) return undefined
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8')
  return { bytes, resourceCount: lines.length }
}

function withIssues(block: ResourceBlock, issues: readonly OutcomeIssue[]): ResourceBlock {
  if (issues.length === 0) return block
  return { ...block, issues: [...(block.issues ?? []), ...issues] }
}
