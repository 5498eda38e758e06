import type { ResourceBlock } from '@flatfhir/server'

const BLOCK_CHARACTERS = 256 * 1024

/** Gathers lines, given without their line feeds, into blocks. */
export function* linesInBlocks(lines: Iterable<string>): Iterable<ResourceBlock> {
  let gathered: string[] = []
  let characters = 0
  for (const line of lines) {
    gathered.push(line)
    characters += line.length
    if (characters < BLOCK_CHARACTERS) continue
    yield blockOf(gathered)
    gathered = []
    characters = 0
  }
  if (gathered.length > 0) yield blockOf(gathered)
}

function blockOf(lines: readonly string[]): ResourceBlock {
  return { bytes: Buffer.from(`${lines.join('\n')}\n`), resourceCount: lines.length }
}
