import type { ExportJobStatus } from '@flatfhir/client'
import { formatCount, formatQuantity } from './format-number.ts'
import type { Style } from './style.ts'

/** One line: where an export is, and what to do next. */
export function exportStatusLine(status: ExportJobStatus, style: Style): string {
  const { directory } = status
  switch (status.state) {
    case 'not-started':
      return `${style.yellow('not started')}: no export was accepted yet; run flatfhir export start ${directory} again`
    case 'in-progress':
      return `${style.cyan('in progress')}: ${progressText(status)}`
    case 'ready':
      return `${style.green('ready')}: ${filesText(status)}; flatfhir export collect ${directory} fetches them`
    case 'complete':
      return `${style.green('complete')}: ${filesText(status)}, all checked, in ${directory}`
    case 'incomplete':
      return `${style.yellow('incomplete')}: something is missing; flatfhir receipt ${directory} says what`
    case 'failed':
      return `${style.red('failed')}: nothing could be fetched; flatfhir receipt ${directory} says why`
    case 'ended':
      return `${style.red('ended')}: ${endText(status)}; nothing more will come into ${directory}`
  }
}

function progressText({ progress, percent, nextStatusRequestAt }: ExportJobStatus): string {
  const share = percent === undefined ? progress : `${formatCount(percent)} %`
  const told = share === undefined || share === '' ? 'the provider works on it' : share
  return nextStatusRequestAt === undefined
    ? told
    : `${told}; the provider is not asked again before ${nextStatusRequestAt}`
}

function filesText({ files }: ExportJobStatus): string {
  if (files === undefined) return 'the manifest is there'
  const { promised, finished } = files
  return finished === 0 || finished === promised
    ? formatQuantity(promised, 'file')
    : `${formatCount(finished)} of ${formatQuantity(promised, 'file')} are here`
}

function endText({ endReason }: ExportJobStatus): string {
  switch (endReason) {
    case 'failed-at-provider':
      return 'the export failed, or is gone, at the provider'
    case 'unusable':
      return 'what the provider answered cannot be used'
    default:
      return 'it was cancelled'
  }
}
