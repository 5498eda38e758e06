import type { LandingInspection, SyncEvent, SyncExportPurpose } from '@flatfhir/client'
import { exportProgress } from './export-progress.ts'
import { formatCount, formatQuantity } from './format-number.ts'
import type { Progress } from './progress.ts'

const PURPOSES: Readonly<Record<SyncExportPurpose, string>> = {
  roster: 'roster',
  all: 'everything',
  changes: 'changes',
  history: 'history of joiners',
}

const FALLBACKS: Readonly<Record<string, string>> = {
  'elements-refused': 'the source refuses _elements: the roster is exported with whole Patients',
  'joiners-not-supported':
    'the source cannot give the history of joiners alone: everything is exported instead',
  'many-joiners': 'many joined: everything is exported instead',
  'since-refused': 'the source refused _since: everything is exported instead',
}

/**
 * Tells a person, or a program, how a sync gets on.
 *
 * @returns the `onEvent` of the sync.
 */
export function syncProgress(progress: Progress): (event: SyncEvent) => void {
  let tellExport: ReturnType<typeof exportProgress> = () => undefined
  return (event) => {
    switch (event.type) {
      case 'export-begun':
        tellExport = exportProgress(progress, { label: exportLabel(event) })
        return
      case 'export-event':
        tellExport(event.event)
        return
      default:
        tellStep(progress, event)
    }
  }
}

type Step = Exclude<SyncEvent, { readonly type: 'export-begun' | 'export-event' }>

function tellStep(progress: Progress, event: Step): void {
  const told = describe(event)
  if (told === undefined) return
  const { text, stays, fields } = told
  const update = {
    text: `${event.cohort}: ${text}`,
    event: event.type,
    fields: { cohort: event.cohort, runId: event.runId, ...fields },
  }
  if (stays === true) progress.note(update)
  else progress.update(update)
}

interface Told {
  readonly text: string
  /** Not replaced by the next update. */
  readonly stays?: boolean
  readonly fields?: Readonly<Record<string, string | number | boolean | undefined>>
}

function describe(event: Step): Told | undefined {
  switch (event.type) {
    case 'run-planned': {
      const going = event.resumed ? 'going on with the run that was begun: ' : ''
      const { kind, since, resumed } = event
      return {
        text: `${going}${kind} run`,
        stays: resumed,
        fields: { kind, since, resumed, fullReasons: event.fullReasons.join(' ') },
      }
    }
    case 'fallback':
      return {
        text: FALLBACKS[event.reason] ?? `goes on in another way (${event.reason})`,
        stays: true,
        fields: { reason: event.reason },
      }
    case 'roster-compared': {
      const { members, joiners, leavers } = event.roster
      return {
        text: `${formatQuantity(members, 'member')}, ${formatCount(joiners)} joined, ${formatCount(leavers)} left`,
        fields: { members, joiners, leavers },
      }
    }
    case 'landing-begun':
      return { text: 'landing' }
    case 'landing-inspected':
      return { text: 'committing', fields: receivedOf(event.landing) }
    case 'committed':
      return { text: 'committed' }
    case 'published':
      return { text: 'published' }
    // What follows is in the report, or is no news.
    case 'export-finished':
    case 'discarded':
    case 'alarm':
    case 'run-finished':
      return undefined
  }
}

function receivedOf({ types }: LandingInspection): Readonly<Record<string, number>> {
  const received = types.reduce((total, type) => total + type.received, 0)
  return { types: types.length, received }
}

function exportLabel(event: Extract<SyncEvent, { readonly type: 'export-begun' }>): string {
  const batch = event.batches > 1 ? ` ${event.batch} of ${event.batches}` : ''
  return `${event.cohort}: ${PURPOSES[event.purpose]}${batch}: `
}
