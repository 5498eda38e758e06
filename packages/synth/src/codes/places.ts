/** A town with practices. */
export interface Place {
  readonly city: string
  readonly state: string
  /** First three digits of the postal code. */
  readonly postalPrefix: string
  readonly areaCode: string
  /** Offset from UTC, the same all year round. */
  readonly zone: string
  /** Degrees times 100,000. */
  readonly latitude: number
  readonly longitude: number
}

export const PLACES: readonly Place[] = [
  place('Boston', 'MA', {
    at: [4_236_008, -7_105_888],
    postal: '021',
    phone: '617',
    zone: '-05:00',
  }),
  place('Worcester', 'MA', {
    at: [4_226_259, -7_180_229],
    postal: '016',
    phone: '508',
    zone: '-05:00',
  }),
  place('Chicago', 'IL', {
    at: [4_187_811, -8_762_980],
    postal: '606',
    phone: '312',
    zone: '-06:00',
  }),
  place('Cañon City', 'CO', {
    at: [3_844_100, -10_524_240],
    postal: '812',
    phone: '719',
    zone: '-07:00',
  }),
  place('Phoenix', 'AZ', {
    at: [3_344_838, -11_207_404],
    postal: '850',
    phone: '602',
    zone: '-07:00',
  }),
  place('San José', 'CA', {
    at: [3_733_874, -12_188_525],
    postal: '951',
    phone: '408',
    zone: '-08:00',
  }),
]

export const STREETS: readonly string[] = [
  'Main Street',
  'Oak Avenue',
  'Maple Drive',
  'Church Street',
  'Elm Street',
  'Washington Avenue',
  'Lake Road',
  'Hill Street',
]

export const PRACTICE_NAMES: readonly string[] = [
  'Family Medicine',
  'Community Health Center',
  'Primary Care Associates',
  'Medical Group',
  'Health Partners',
]

interface PlaceFacts {
  readonly at: readonly [latitude: number, longitude: number]
  readonly postal: string
  readonly phone: string
  readonly zone: string
}

function place(city: string, state: string, facts: PlaceFacts): Place {
  const [latitude, longitude] = facts.at
  return {
    city,
    state,
    postalPrefix: facts.postal,
    areaCode: facts.phone,
    zone: facts.zone,
    latitude,
    longitude,
  }
}
