import { open } from 'node:fs/promises'
import { ClientSecretFileError } from './errors.ts'

const MAX_BYTES = 4096
const OTHERS = 0o077

/** A secret that was read from a file. */
export interface ReadClientSecret {
  readonly secret: string
  /** Other accounts can read the file; `false` on Windows, which has no such bits. */
  readonly readableByOthers: boolean
}

/** @throws `ClientSecretFileError`, which holds nothing of the file's content. */
export async function readClientSecret(path: string): Promise<ReadClientSecret> {
  const { text, mode } = await readText(path)
  const secret = text.replace(/^\uFEFF/, '').trim()
  if (secret === '') throw new ClientSecretFileError(path, 'empty')
  if (/[\r\n]/.test(secret) || text.length >= MAX_BYTES) {
    throw new ClientSecretFileError(path, 'not-one-line')
  }
  return { secret, readableByOthers: process.platform !== 'win32' && (mode & OTHERS) !== 0 }
}

async function readText(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    await using file = await open(path, 'r')
    const { mode } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0)
    return { text: buffer.toString('utf8', 0, bytesRead), mode }
  } catch {
    throw new ClientSecretFileError(path, 'unreadable')
  }
}
