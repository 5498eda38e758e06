// The populations that everything is measured on.
import { createReadStream } from 'node:fs'
import { appendFile, mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { writePopulation } from '@flatfhir/synth'
import { linesOf, readSample, writeCopies } from './multiply-sample.mjs'

/** Every tenth patient. */
export const TENTH_GROUP = 'bench-tenth'
/** The same number of patients at every size, spread over all of them. */
export const FIXED_GROUP = 'bench-fixed'

const LINE_FEED = 0x0a

/**
 * @typedef {object} Dataset
 * @property {string} label Such as `1,000 patients`.
 * @property {string} input Folder of plain NDJSON.
 * @property {readonly string[]} files In `input`.
 * @property {number} patients
 * @property {number} resources
 * @property {number} bytes
 */

/**
 * Writes a population of one size, with the Groups that are measured.
 *
 * @param {{ size: number, sample: string | undefined, directory: string, fixedMembers: number | undefined }}
 *   options `fixedMembers`: members of `FIXED_GROUP`; `undefined` for all patients.
 * @returns {Promise<Dataset>}
 */
export async function makeDataset({ size, sample, directory, fixedMembers }) {
  await mkdir(directory, { recursive: true })
  if (sample === undefined) await writePopulation({ patients: size, directory })
  else await writeCopies(await readSample(sample), { times: size, directory })
  const patientIds = await idsOf(join(directory, 'Patient.ndjson'))
  await writeGroups(directory, { patientIds, fixedMembers })
  const files = (await readdir(directory)).sort().map((name) => join(directory, name))
  return {
    label: `${patientIds.length.toLocaleString('en-US')} patients`,
    input: directory,
    files,
    patients: patientIds.length,
    ...(await totalsOf(files)),
  }
}

async function idsOf(path) {
  const ids = []
  for await (const line of linesOf(path)) ids.push(JSON.parse(line).id)
  return ids
}

async function writeGroups(directory, { patientIds, fixedMembers = patientIds.length }) {
  const tenth = patientIds.filter((_, index) => index % 10 === 0)
  const step = patientIds.length / Math.min(fixedMembers, patientIds.length)
  const fixed = patientIds.filter(
    (_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step),
  )
  const lines = [groupLine(TENTH_GROUP, tenth), groupLine(FIXED_GROUP, fixed)]
  await appendFile(join(directory, 'Group.ndjson'), lines.join(''))
}

function groupLine(id, patientIds) {
  const member = patientIds.map((patient) => ({ entity: { reference: `Patient/${patient}` } }))
  const group = { resourceType: 'Group', id, type: 'person', actual: true, member }
  return `${JSON.stringify(group)}\n`
}

async function totalsOf(files) {
  let resources = 0
  let bytes = 0
  for (const path of files) {
    resources += await countLines(path)
    bytes += (await stat(path)).size
  }
  return { resources, bytes }
}

async function countLines(path) {
  let lines = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    for (let at = chunk.indexOf(LINE_FEED); at !== -1; at = chunk.indexOf(LINE_FEED, at + 1)) {
      lines += 1
    }
  }
  return lines
}
