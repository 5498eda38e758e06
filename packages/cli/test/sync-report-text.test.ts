import type { LandedType, SyncReport } from '@flatfhir/client'
import { expect, test } from 'vitest'
import { styleFor } from '../src/output/style.ts'
import {
  alarmLines,
  historyCells,
  landedSums,
  syncHeadline,
  syncReportText,
} from '../src/output/sync-report-text.ts'

const style = styleFor({ write: () => undefined }, {})

const STILL: LandedType = {
  type: 'Device',
  before: 7,
  received: 0,
  duplicates: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  deletedTold: 0,
  deletedComputed: 0,
  left: 0,
  removed: 0,
  older: 0,
  comparable: 0,
}

const REPORT: SyncReport = {
  reportVersion: 1,
  runId: 'r',
  source: 'https://ehr.example.org/fhir',
  cohort: 'group/a',
  kind: 'full',
  fullReasons: ['reconcile-due'],
  result: 'committed',
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:05.000Z',
  transactionTime: '2026-01-01T00:00:01.000Z',
  previousTransactionTime: '2025-12-31T00:00:00.000Z',
  exports: [],
  alarms: [],
  landing: {
    types: [
      STILL,
      {
        ...STILL,
        type: 'Observation',
        before: 1000,
        received: 990,
        inserted: 5,
        updated: 3,
        deletedTold: 4,
        deletedComputed: 6,
        left: 5,
        drift: { missing: 2, outdated: 1, extra: 6 },
      },
    ],
    roster: { members: 11, membersBefore: 10, joiners: 2, leavers: 1 },
    merged: 1,
  },
  timings: { exportMs: 3000, landingMs: 2000, totalMs: 5000 },
}

test('a report tells the kind and why, the roster, each type that moved, and the drift', () => {
  expect(syncReportText(REPORT, style)).toEqual([
    'group/a: full run (a reconcile is due), committed: 5 inserted, 3 updated, 10 deleted, 5 of leavers, in 5.00 s',
    '  roster: 10 → 11 members; 2 joined, 1 left; 1 patient merged into another',
    '',
    '  type         before  received  inserted  updated  deleted  left  after',
    '  ───────────  ──────  ────────  ────────  ───────  ───────  ────  ─────',
    '  Observation   1,000       990         5        3       10     5    990',
    '  1 other type without changes',
    '',
    '  reconciled, drift found and put right:',
    '    Observation: 2 missing, 1 outdated, 6 extra',
    '  watermark: 2025-12-31T00:00:00.000Z → 2026-01-01T00:00:01.000Z',
  ])
  expect(landedSums(REPORT)).toEqual({ inserted: 5, updated: 3, deleted: 10, left: 5, drift: 9 })
})

test('a run that stopped says by what, what to do, and that nothing has moved', () => {
  const stopped: SyncReport = {
    ...REPORT,
    kind: 'incremental',
    fullReasons: [],
    result: 'stopped',
    alarms: [
      { code: 'SINCE_IGNORED', message: 'Old', type: 'Observation', accepted: false },
      { code: 'CLOCK_BACKWARDS', message: 'Back', accepted: true },
    ],
  }

  expect(syncHeadline(stopped)).toBe(
    'group/a: incremental run, stopped by SINCE_IGNORED, in 5.00 s',
  )
  expect(syncReportText(stopped, style).at(-1)).toBe(
    '  watermark: 2025-12-31T00:00:00.000Z, not moved',
  )
  expect(alarmLines(stopped)).toEqual([
    'stopped: group/a, Observation: Old. The source seems to send everything again. Run it with --full to compare everything, or with --accept SINCE_IGNORED if it is right. [SINCE_IGNORED]',
    'warning: group/a: Back. Accepted. [CLOCK_BACKWARDS]',
  ])
  expect(historyCells(stopped)).toEqual([
    '2026-01-01T00:00:05.000Z',
    'group/a',
    'incremental',
    'SINCE_IGNORED',
    ...['', '', '', ''],
    '9',
    '5.00',
  ])
})
