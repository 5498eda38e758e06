import { column, concept, referenceTo, text, type Column } from '../column.ts'

/** Columns of the types that have no description of their own: what R4 mostly names alike. */
export const GENERIC_COLUMNS: readonly Column[] = [
  referenceTo('Patient', 'patient', 'patient', 'subject', 'beneficiary', 'individual', 'candidate'),
  referenceTo('Encounter', 'encounter', 'encounter', 'context'),
  text('status', 'status'),
  ...concept('code', 'code', 'type', 'type[0]', 'category', 'category[0]'),
  column(
    'date',
    'instant',
    'date',
    'dateTime',
    'authoredOn',
    'created',
    'recorded',
    'occurrenceDateTime',
    'occurrencePeriod.start',
    'effectiveDateTime',
    'period.start',
    'issued',
    'sent',
  ),
  text('name', 'name', 'title'),
  text('url', 'url'),
]
