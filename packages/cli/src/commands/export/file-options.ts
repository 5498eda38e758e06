import type { OptionTable } from '../../options/option-table.ts'
import { choice, flag, list, size } from '../../options/value-types.ts'

/** In which form files are kept. The same command again has to ask for the same. */
export interface FileOptions {
  readonly gzip: boolean
  readonly compact: number | undefined
  readonly attachments: 'skip' | 'files' | 'inline'
  readonly maxAttachmentSize: number
  readonly attachmentType: readonly string[] | undefined
  readonly skipReferenceCheck: boolean
}

const group = 'Files:'
const notWith = 'resume'

/** The table of {@link FileOptions}. */
export const FILE_OPTIONS: OptionTable<FileOptions> = {
  gzip: {
    type: flag,
    description: 'Keep the files compressed, as .ndjson.gz',
    default: false,
    exclusive: 'form of the files',
    notWith,
    group,
  },
  compact: {
    type: size,
    description:
      'Pack files of the same type into larger ones of about this size, without touching a line',
    exclusive: 'form of the files',
    notWith,
    group,
  },
  attachments: {
    type: choice('skip', 'files', 'inline'),
    description:
      'What to do with the content that Attachment.url leads to: leave it, fetch it into attachments/, or also write copies of the resources that hold it',
    default: 'skip',
    notWith,
    group,
  },
  maxAttachmentSize: {
    type: size,
    description: 'Largest attachment that is fetched',
    default: 64 * 2 ** 20,
    notWith,
    group,
  },
  attachmentType: {
    type: list('MEDIATYPE'),
    description: 'Media types that are fetched, such as application/pdf or text/*',
    defaultText: 'every type',
    notWith,
    group,
  },
  skipReferenceCheck: {
    type: flag,
    description: 'Do not count the references that lead to no resource of the export',
    default: false,
    notWith,
    group,
  },
}
