import { open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DownloadResult } from '../download/download-file.ts'
import { PartFile } from '../download/part-file.ts'
import { syncDirectory } from '../journal/journal-file.ts'
import type { RunFolder } from '../run-folder.ts'

const COPY_BYTES = 1024 * 1024
const LINE_FEED = 0x0a

/** Files of one type that go into one. */
interface Pack {
  readonly type: string
  readonly paths: readonly string[]
}

/**
 * Packs small files of the same type into larger ones of about `compactBytes`, line after line as
 * they are.
 *
 * A packed file is on disk under its name before the journal says so, and the journal says so before
 * the small ones go: whenever the process dies, every line is there once for who reads the receipt.
 *
 * @throws the file system's errors; the signal's reason.
 */
export async function packFiles(
  folder: RunFolder,
  results: readonly DownloadResult[],
  {
    compactBytes,
    signal,
  }: { readonly compactBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (const path of folder.state.packed.keys()) await rm(join(folder.path, path), { force: true })
  for (const { type, paths } of await packsOf(folder, results, compactBytes)) {
    signal?.throwIfAborted()
    const name = type.replace(/[^A-Za-z-]/g, '')
    const number = new Set(folder.state.packed.values()).size
    const path = `${name}.packed-${String(number).padStart(3, '0')}.ndjson`
    await concatenate(folder.path, paths, path)
    await syncDirectory(folder.path)
    await folder.record({ type: 'packed', path, from: paths })
    for (const from of paths) await rm(join(folder.path, from), { force: true })
  }
}

async function packsOf(
  folder: RunFolder,
  results: readonly DownloadResult[],
  compactBytes: number,
): Promise<readonly Pack[]> {
  const open = new Map<string, { paths: string[]; bytes: number }>()
  const packs: Pack[] = []
  for (const { file } of results) {
    const isThere = file.state === 'complete' || file.state === 'partial'
    if (!isThere || file.kind !== 'output' || folder.state.packed.has(file.path)) continue
    const { size } = await stat(join(folder.path, file.path))
    const stem = file.path.slice(0, file.path.indexOf('.'))
    const pack = open.get(stem)
    if (pack !== undefined && pack.bytes + size <= compactBytes) {
      pack.paths.push(file.path)
      pack.bytes += size
    } else {
      if (pack !== undefined) packs.push({ type: stem, paths: pack.paths })
      open.set(stem, { paths: [file.path], bytes: size })
    }
  }
  for (const [type, { paths }] of open) packs.push({ type, paths })
  return packs.filter(({ paths }) => paths.length > 1)
}

async function concatenate(
  directory: string,
  paths: readonly string[],
  into: string,
): Promise<void> {
  const part = await PartFile.open(join(directory, `${into}.part`))
  try {
    await part.clear()
    const buffer = Buffer.allocUnsafe(COPY_BYTES)
    for (const path of paths) {
      await using handle = await open(join(directory, path), 'r')
      let last = LINE_FEED
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length)
        if (bytesRead === 0) break
        await part.append(buffer.subarray(0, bytesRead))
        last = buffer[bytesRead - 1] ?? LINE_FEED
      }
      // The last line of a file may lack its line feed, which the next file's first line needs.
      if (last !== LINE_FEED) await part.append(Buffer.from('\n'))
    }
    await part.sync()
  } finally {
    await part.close()
  }
  await rename(join(directory, `${into}.part`), join(directory, into))
}
