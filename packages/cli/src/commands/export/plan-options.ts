import type { OptionTable } from '../../options/option-table.ts'
import { choice, flag, instant, lines, list, text } from '../../options/value-types.ts'
import { patientSelection, type PatientSelection } from './patient-selection.ts'

/** Ids of the vendor profiles that `--vendor` takes. */
export const VENDORS = [
  'auto',
  'generic',
  'flatfhir',
  'epic',
  'oracle-health',
  'athenahealth',
  'bcda',
  'ab2d',
  'dpc',
  'hapi',
  'azure',
] as const

/** What is asked of the provider. The same command again has to ask for the same. */
export interface PlanOptions {
  readonly system: boolean | undefined
  readonly patient: PatientSelection | undefined
  readonly group: string | undefined
  readonly type: readonly string[] | undefined
  readonly since: Date | undefined
  readonly until: Date | undefined
  readonly typeFilter: readonly string[] | undefined
  readonly elements: readonly string[] | undefined
  readonly includeAssociatedData: readonly string[] | undefined
  readonly organizeOutputBy: string | undefined
  readonly allowPartialManifests: boolean
  readonly outputFormat: string | undefined
  readonly param: readonly string[] | undefined
  readonly edition: 'auto' | 'stu1' | 'stu2' | 'stu3' | 'stu4'
  readonly vendor: (typeof VENDORS)[number]
  readonly method: 'GET' | 'POST' | undefined
  readonly lenient: boolean
  readonly separateExportStatus: boolean
}

const level = 'What to export (one of):'
const filter = 'Filters:'
const request = 'Kick-off request:'
/** An export that is resumed has its plan in its folder. */
const notWith = 'resume'

const LEVELS: OptionTable<Pick<PlanOptions, 'system' | 'patient' | 'group'>> = {
  system: {
    type: flag,
    description: 'Everything the provider has',
    exclusive: 'level',
    notWith,
    group: level,
  },
  patient: {
    type: patientSelection,
    description:
      'The data of all patients; or of those with these ids, which may stand in a file, one in each line. Ids also go with --group',
    exclusive: 'level',
    excludes: (value) => value === 'all',
    notWith,
    group: level,
  },
  group: {
    type: text('ID'),
    description: 'The data of the patients of one Group',
    exclusive: 'level',
    notWith,
    group: level,
  },
}

const FILTERS: OptionTable<
  Pick<
    PlanOptions,
    'type' | 'since' | 'until' | 'typeFilter' | 'elements' | 'includeAssociatedData'
  >
> = {
  type: {
    type: list('TYPE'),
    description: 'Only these resource types; repeated or with commas',
    defaultText: 'every type',
    aliases: ['--_type'],
    notWith,
    group: filter,
  },
  since: {
    type: instant,
    description: "Only what changed after this instant: the last export's transactionTime",
    aliases: ['--_since'],
    notWith,
    group: filter,
  },
  until: {
    type: instant,
    description: 'Only what changed before this instant',
    aliases: ['--_until'],
    notWith,
    group: filter,
  },
  typeFilter: {
    type: lines('QUERY'),
    description:
      'Only what one of these searches finds, such as Observation?category=laboratory; repeated (in a variable: one in each line)',
    aliases: ['--_typeFilter'],
    notWith,
    group: filter,
  },
  elements: {
    type: list('ELEMENT'),
    description: 'Only these elements, such as Patient.birthDate; repeated or with commas',
    aliases: ['--_elements'],
    notWith,
    group: filter,
  },
  includeAssociatedData: {
    type: list('CODE'),
    description: 'Sets of resources to send along, such as LatestProvenanceResources',
    aliases: ['--includeAssociatedData'],
    notWith,
    group: filter,
  },
}

const SHAPE: OptionTable<
  Pick<PlanOptions, 'organizeOutputBy' | 'allowPartialManifests' | 'outputFormat' | 'param'>
> = {
  organizeOutputBy: {
    type: text('TYPE'),
    description: 'Files with all that belongs to each resource of this type, such as Patient',
    aliases: ['--organizeOutputBy'],
    notWith,
    group: request,
  },
  allowPartialManifests: {
    type: flag,
    description: 'Fetch files while the export still runs, where the provider can',
    default: false,
    aliases: ['--allowPartialManifests'],
    notWith,
    group: request,
  },
  outputFormat: {
    type: text('FORMAT'),
    description: 'Format of the files; every provider sends NDJSON without being asked',
    aliases: ['--_outputFormat'],
    notWith,
    group: request,
  },
  param: {
    type: lines('NAME=VALUE'),
    description: "A parameter of the provider's own; repeated (in a variable: one in each line)",
    notWith,
    group: request,
  },
}

const DIALECT: OptionTable<
  Pick<PlanOptions, 'edition' | 'vendor' | 'method' | 'lenient' | 'separateExportStatus'>
> = {
  edition: {
    type: { ...choice('auto', 'stu1', 'stu2', 'stu3', 'stu4'), placeholder: 'EDITION' },
    description: 'Edition of the IG to speak: stu1, stu2, stu3, stu4; auto asks the provider',
    default: 'auto',
    notWith,
    group: request,
  },
  vendor: {
    type: { ...choice(...VENDORS), placeholder: 'VENDOR' },
    description: `Whose manners the provider has: ${VENDORS.slice(1).join(', ')}; auto finds out`,
    default: 'auto',
    aliases: ['--profile'],
    notWith,
    group: request,
  },
  method: {
    type: choice('GET', 'POST'),
    description: 'Method of the kick-off request',
    defaultText: 'POST where the edition or the ids of patients need it, otherwise GET',
    notWith,
    group: request,
  },
  lenient: {
    type: flag,
    description: 'Let the provider ignore parameters that it does not know',
    default: false,
    notWith,
    group: request,
  },
  separateExportStatus: {
    type: flag,
    description: 'Have HTTP statuses speak of the request alone, where the provider can',
    default: false,
    notWith,
    group: request,
  },
}

/** The table of {@link PlanOptions}. */
export const PLAN_OPTIONS: OptionTable<PlanOptions> = {
  ...LEVELS,
  ...FILTERS,
  ...SHAPE,
  ...DIALECT,
}
