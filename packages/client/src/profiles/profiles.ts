import type { ProviderProfile } from './provider-profile.ts'

/** A provider that keeps to the specification and of which nothing else is known. */
export const GENERIC_PROFILE: ProviderProfile = {
  id: 'generic',
  name: 'Any provider',
  detect: [],
  listStyle: 'comma',
  preferredMethod: 'GET',
  edition: 'stu2',
  pollFloorSeconds: 0,
  maxRetryAfterSeconds: 3600,
  fileHosts: 'provider',
  deleteRequired: false,
  transientStatuses: [],
  knownGaps: [],
  since: 'supported',
  joinersHistory: [],
  patientParameter: 'supported',
  elements: 'supported',
}

const DAY_SECONDS = 86_400

/** What is known of vendors, first match wins. */
export const PROVIDER_PROFILES: readonly ProviderProfile[] = [
  {
    ...GENERIC_PROFILE,
    id: 'flatfhir',
    name: 'flatfhir',
    detect: [{ softwareName: '^flatfhir$' }],
    repeatsHistory: ['patient', 'group'],
  },
  {
    ...GENERIC_PROFILE,
    id: 'epic',
    name: 'Epic',
    detect: [{ softwareName: '^epic$' }],
    pollFloorSeconds: 60,
    maxRetryAfterSeconds: DAY_SECONDS,
    kickOffCoolDown: {
      statuses: [400, 403, 429],
      text: 'requested this group too recently',
      waitSeconds: DAY_SECONDS,
    },
    deleteRequired: true,
    since: 'not-supported',
    knownGaps: [
      '_since is not supported and meta.lastUpdated is not populated: every export is a full one',
      'Deleted resources are not told',
      'Observations inside DiagnosticReport.result and hasMember may be missing',
      'Attachments are relative Binary URLs, which are fetched one by one',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'oracle-health',
    name: 'Oracle Health (Cerner Millennium)',
    detect: [{ publisher: 'cerner|oracle health' }, { softwareName: 'cerner|oracle health' }],
    edition: 'stu1',
    pollFloorSeconds: 30,
    // Waits of five hours have been seen.
    maxRetryAfterSeconds: 6 * 3600,
    kickOffCoolDown: { statuses: [429], waitSeconds: 600 },
    fileHosts: 'pre-signed',
    deleteRequired: true,
    transientStatuses: [500, 504],
    patientParameter: 'not-supported',
    elements: 'not-supported',
    knownGaps: [
      'The same resource may be in several files',
      'Binary resources are not exported',
      'Deleted resources are not documented',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'athenahealth',
    name: 'athenahealth',
    detect: [
      { softwareName: 'athena' },
      { publisher: 'athena' },
      { host: '(^|\\.)athenahealth\\.com$' },
    ],
    pollFloorSeconds: 300,
    maxRetryAfterSeconds: 6 * 3600,
    knownGaps: ['Exports take hours, and are not meant for daily use'],
  },
  {
    ...GENERIC_PROFILE,
    id: 'bcda',
    name: 'Beneficiary Claims Data API (CMS)',
    detect: [
      { host: '(^|\\.)bcda\\.cms\\.gov$' },
      { softwareName: 'beneficiary claims data|bcda' },
    ],
    pollFloorSeconds: 5,
    joinersHistory: ['group'],
    repeatsHistory: ['group'],
    knownGaps: [
      'Resources changed before 2020-02-12 are stamped 2020-01-01',
      'On Patient level, _since leaves out the history of new members',
      'Deleted resources are not told',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'ab2d',
    name: 'Claims Data to Part D Sponsors (CMS AB2D)',
    detect: [{ host: '(^|\\.)ab2d\\.cms\\.gov$' }, { softwareName: 'ab2d' }],
    pollFloorSeconds: 30,
    fullSince: '2020-01-01T00:00:00.000Z',
    knownGaps: [
      'Files can be downloaded six times, within 72 hours',
      'Without _since, only what changed after the last export is sent',
      'A cancelled claim comes as a new resource with the status "canceled"',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'dpc',
    name: 'Data at the Point of Care (CMS DPC)',
    detect: [{ host: '(^|\\.)dpc\\.cms\\.gov$' }, { softwareName: 'data at the point of care' }],
    pollFloorSeconds: 5,
    knownGaps: [
      'Only Group level; inactive members are dropped',
      'Data of new members older than _since are not sent',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'hapi',
    name: 'HAPI FHIR',
    detect: [{ softwareName: 'hapi' }],
    knownGaps: [
      'Location is not exported on Group level',
      'Files go after two hours',
      'Deleted resources are not told',
    ],
  },
  {
    ...GENERIC_PROFILE,
    id: 'azure',
    name: 'Azure Health Data Services',
    detect: [
      { softwareName: 'azure|microsoft fhir' },
      { host: '\\.(azurehealthcareapis|fhir\\.azurehealthcareapis)\\.com$' },
    ],
    fileHosts: 'pre-signed',
    pollFloorSeconds: 10,
    knownGaps: [
      'Files are written to your own storage account: their URLs need its credentials',
      'The same resource may be in several files',
      'Deleted resources are not told',
    ],
  },
]

/** The profile with an id; `undefined` when there is none. */
export function profileOf(id: string): ProviderProfile | undefined {
  return [...PROVIDER_PROFILES, GENERIC_PROFILE].find((profile) => profile.id === id)
}
