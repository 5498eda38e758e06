// What the rows share: data made once, and measures that several rows look at.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { importResources } from '@flatfhir/store-sqlite'
import { makeDataset } from './data/dataset.mjs'
import { ExportLimit } from './limits/export-limit.mjs'
import { runImportLimit } from './limits/import-limit.mjs'
import { measureInTurn } from './measure.mjs'
import { ExportRunner } from './provider/export-runner.mjs'

/** From this many patients on, goals of throughput apply: less is over before it has begun. */
const GOALS_FROM_PATIENTS = 1000
/** Members of the Group that is the same at every size. */
const FIXED_MEMBERS = 100

/**
 * @typedef {import('./data/dataset.mjs').Dataset} Dataset
 * @typedef {import('./measure.mjs').Measure} Measure
 * @typedef {{ dataset: Dataset, ours: Measure, limit: Measure }} Compared Seconds.
 */

/** Datasets, stores and measures of one run; everything is made when it is first asked for. */
export class Bench {
  /** @type {import('./options.mjs').Options} */
  options
  /** Folder for everything that is made. */
  work
  #made = new Map()
  #open = new Set()
  #log

  /** @param {{ options: import('./options.mjs').Options, work: string, log: (line: string) => void }} setup */
  constructor({ options, work, log }) {
    this.options = options
    this.work = work
    this.#log = log
  }

  get sizes() {
    return this.options.sizes
  }

  /** Tells what is going on. */
  log(line) {
    this.#log(line)
  }

  /** @param {Dataset} dataset */
  goalsApply({ patients }) {
    return patients >= GOALS_FROM_PATIENTS
  }

  /** @returns {Promise<Dataset>} */
  dataset(size) {
    return this.#once(`dataset ${size}`, () => {
      this.log(`making the population of size ${size}`)
      const directory = join(this.work, `input-${size}`)
      const { sample } = this.options
      return makeDataset({ size, sample, directory, fixedMembers: FIXED_MEMBERS })
    })
  }

  /** A data directory that holds the dataset. */
  async store(size) {
    const directory = join(this.work, `store-${size}`)
    await this.#once(`store ${size}`, async () => {
      await this.#import(await this.dataset(size), directory)
    })
    return directory
  }

  /** @returns {Promise<Compared>} */
  importing(size) {
    return this.#once(`importing ${size}`, async () => {
      const dataset = await this.dataset(size)
      this.log(`import, ${dataset.label}`)
      const directory = join(this.work, `import-${size}`)
      const database = join(this.work, `import-limit-${size}.sqlite`)
      const { runs } = this.options
      const kinds = {
        ours: () => this.#timedImport(dataset, directory),
        limit: () => this.#timedImportLimit(dataset, database),
      }
      // Nothing is kept between two imports that a first one could warm up.
      const measures = await measureInTurn(kinds, { runs, warmUps: 0, budgetSeconds: 40 })
      return { dataset, ...measures }
    })
  }

  /**
   * @param {number} size
   * @param {'none' | 'gzip' | 'encrypted'} storage Encrypted files are not compressed.
   * @returns {Promise<Compared & { bytes: number, storedBytes: number }>}
   */
  exporting(size, storage) {
    return this.#once(`exporting ${size} ${storage}`, async () => {
      const dataset = await this.dataset(size)
      const path = await this.#whole(size)
      this.log(`system export (${storage}), ${dataset.label}`)
      const runner = await this.runner(size, storage)
      const limit = await ExportLimit.start({
        path,
        target: join(this.work, `export-limit-${size}`),
        isGzip: storage === 'gzip',
      })
      let figures
      const kinds = {
        ours: async () => {
          figures = await runner.run({ level: 'system' })
          checkCount(figures.resources, dataset.resources)
          return figures.seconds
        },
        limit: () => limit.run(),
      }
      const measures = await measureInTurn(kinds, { runs: this.options.runs })
      await limit.close()
      const { bytes, storedBytes } = figures
      return { dataset, bytes, storedBytes, ...measures }
    })
  }

  /** @returns {Promise<ExportRunner>} */
  runner(size, storage) {
    return this.#once(`runner ${size} ${storage}`, async () => {
      await this.#closeRunners()
      const runner = await ExportRunner.open(await this.store(size), {
        compression: storage === 'gzip' ? 'gzip' : 'none',
        isEncrypted: storage === 'encrypted',
      })
      this.#open.add({ name: `runner ${size} ${storage}`, runner })
      return runner
    })
  }

  /** Closes what is open, so that a process of its own can serve the stores. */
  async close() {
    await this.#closeRunners()
  }

  /** One job store has one owner at a time. */
  async #closeRunners() {
    for (const { name, runner } of this.#open) {
      await runner.close()
      this.#made.delete(name)
    }
    this.#open.clear()
  }

  /** A file with all bytes of a system export, for limits to work on. */
  async #whole(size) {
    const path = join(this.work, `whole-${size}.ndjson`)
    await this.#once(`whole ${size}`, async () => {
      await (await this.runner(size, 'none')).writeWhole(path)
    })
    return path
  }

  async #timedImport(dataset, directory) {
    await rm(directory, { recursive: true, force: true })
    const { seconds } = await this.#import(dataset, directory)
    await rm(directory, { recursive: true, force: true })
    return seconds
  }

  async #timedImportLimit(dataset, database) {
    const seconds = await runImportLimit({ files: dataset.files, database })
    for (const suffix of ['', '-wal', '-shm']) await rm(`${database}${suffix}`, { force: true })
    return seconds
  }

  async #import(dataset, directory) {
    const summary = await importResources({ directory, paths: [dataset.input] })
    checkCount(summary.created, dataset.resources)
    return summary
  }

  #once(name, make) {
    const made = this.#made.get(name) ?? make()
    this.#made.set(name, made)
    return made
  }
}

/** A figure of work that was not done would be worth nothing. */
function checkCount(actual, expected) {
  if (actual !== expected) throw new Error(`${actual} resources instead of ${expected}`)
}
