// Many small files out of a few large ones.
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { finished } from 'node:stream/promises'
import { linesOf } from './multiply-sample.mjs'

/**
 * Cuts NDJSON files into files of so many lines; the last of each type is shorter.
 *
 * @param {readonly string[]} files
 * @param {{ lines: number, directory: string }} options
 */
export async function cutFiles(files, { lines, directory }) {
  await mkdir(directory, { recursive: true })
  for (const file of files) {
    const type = basename(file, '.ndjson')
    let number = 0
    let gathered = []
    for await (const line of linesOf(file)) {
      gathered.push(line)
      if (gathered.length < lines) continue
      await writeLines(join(directory, `${type}.${number}.ndjson`), gathered)
      number += 1
      gathered = []
    }
    if (gathered.length > 0) {
      await writeLines(join(directory, `${type}.${number}.ndjson`), gathered)
    }
  }
}

async function writeLines(path, lines) {
  const stream = createWriteStream(path)
  stream.end(`${lines.join('\n')}\n`)
  await finished(stream)
}
