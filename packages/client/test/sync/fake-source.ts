import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface FakeResource {
  readonly resourceType: string
  readonly id: string
  readonly [element: string]: unknown
}

/** A kick-off request as the source understood it. */
export interface FakeKickOff {
  readonly method: string
  readonly level: string
  readonly types: readonly string[] | undefined
  readonly since: string | undefined
  readonly elements: readonly string[]
  readonly patients: readonly string[] | undefined
  readonly filters: readonly string[]
}

interface FakeFile {
  readonly type: string
  readonly kind: 'output' | 'deleted'
  readonly text: string
}

interface FakeExport {
  readonly transactionTime: string
  readonly files: readonly FakeFile[]
  readonly expired?: boolean
}

interface Version {
  readonly resource: FakeResource
  readonly atMs: number
}

/**
 * A source with data that change, exported over real sockets, and with bad manners on demand. Time
 * passes by a second with every change and every export.
 */
export class FakeSource {
  nowMs: number = Date.parse('2026-10-01T00:00:00Z')
  /** Group members; a Group that is not here is 404. */
  readonly groups: Map<string, Set<string>> = new Map<string, Set<string>>()
  readonly kickOffs: FakeKickOff[] = []
  /** Exports that were deleted by the client. */
  deletes = 0
  ignoresSince = false
  tellsDeletions = true
  writesTwice = false
  stampsLastUpdated = true
  /** Status for a kick-off instead of 202. */
  refuse: (kickOff: FakeKickOff) => number | undefined = () => undefined
  /** Status for a file instead of its content. */
  refuseFile: (file: { readonly type: string }) => number | undefined = () => undefined
  software = 'fake'
  readonly #rows = new Map<string, Version>()
  readonly #deleted = new Map<string, number>()
  readonly #exports: FakeExport[] = []
  readonly #server: Server
  #origin = ''

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#receive(request, response)
    })
  }

  static async start(): Promise<FakeSource> {
    const source = new FakeSource()
    await new Promise<void>((resolve) => source.#server.listen(0, '127.0.0.1', resolve))
    source.#origin = `http://127.0.0.1:${(source.#server.address() as AddressInfo).port}`
    onTestFinished(async () => {
      source.#server.closeAllConnections()
      await new Promise((resolve) => source.#server.close(resolve))
    })
    return source
  }

  get url(): string {
    return `${this.#origin}/fhir`
  }

  put(resource: FakeResource): void {
    this.#deleted.delete(`${resource.resourceType}/${resource.id}`)
    const atMs = this.#tick()
    const meta = { meta: { lastUpdated: new Date(atMs).toISOString() } }
    const stamped = { ...resource, ...(this.stampsLastUpdated && meta) }
    this.#rows.set(`${resource.resourceType}/${resource.id}`, { resource: stamped, atMs })
  }

  /** A patient with some observations. */
  putPatient(id: string, observations = 2): void {
    this.put({ resourceType: 'Patient', id })
    for (let index = 0; index < observations; index += 1) {
      this.putObservation(`${id}-${index}`, id)
    }
  }

  putObservation(id: string, patient: string, value = 1): void {
    const subject = { reference: `Patient/${patient}` }
    this.put({ resourceType: 'Observation', id, subject, valueInteger: value })
  }

  delete(name: string): void {
    this.#rows.delete(name)
    this.#deleted.set(name, this.#tick())
  }

  /** Lets all exports expire. */
  expire(): void {
    this.#exports.fill({ transactionTime: '', files: [], expired: true })
  }

  /** What an export of everything would hold, as `Type/id` and text, sorted. */
  content(level: string): readonly (readonly [string, string])[] {
    const kickOff = { method: 'GET', level, types: undefined, since: undefined }
    return this.#selected({ ...kickOff, elements: [], patients: undefined, filters: [] })
      .map(({ resource }) => {
        return [`${resource.resourceType}/${resource.id}`, JSON.stringify(resource)] as const
      })
      .sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #tick(): number {
    this.nowMs += 1000
    return this.nowMs
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = []
    for await (const piece of request as AsyncIterable<Uint8Array>) pieces.push(piece)
    const url = new URL(request.url ?? '', this.#origin)
    const place = /^\/(status|file)\/(\d+)(?:\/(\d+))?$/.exec(url.pathname)
    if (url.pathname === '/fhir/metadata') {
      const software = { name: this.software }
      sendJson(response, 200, { resourceType: 'CapabilityStatement', software })
      return
    }
    if (place === null) {
      const body = Buffer.concat(pieces).toString('utf8')
      this.#kickOff(response, readKickOff(request.method ?? '', url, body))
      return
    }
    const [, what, number, file] = place
    const known = this.#exports[Number(number)]
    if (known === undefined || known.expired === true) {
      sendJson(response, 404, {})
      return
    }
    if (request.method === 'DELETE') {
      this.deletes += 1
      sendJson(response, 202, {})
      return
    }
    if (what === 'status') {
      sendJson(response, 200, this.#manifest(known, Number(number)))
      return
    }
    this.#sendFile(response, known.files[Number(file)])
  }

  #kickOff(response: ServerResponse, kickOff: FakeKickOff): void {
    this.kickOffs.push(kickOff)
    const isUnknown =
      kickOff.level.startsWith('group/') && !this.groups.has(kickOff.level.slice('group/'.length))
    const refused = this.refuse(kickOff) ?? (isUnknown ? 404 : undefined)
    if (refused !== undefined) {
      sendJson(response, refused, {})
      return
    }
    const transactionTime = new Date(this.#tick()).toISOString()
    this.#exports.push({ transactionTime, files: this.#files(kickOff) })
    response.setHeader('content-location', `${this.#origin}/status/${this.#exports.length - 1}`)
    sendJson(response, 202, {})
  }

  #files(kickOff: FakeKickOff): readonly FakeFile[] {
    const selected = this.#selected(kickOff)
    const byType = new Map<string, string>()
    for (const { resource } of selected) {
      const shown = kickOff.elements.includes('id')
        ? { resourceType: resource.resourceType, id: resource.id, meta: resource['meta'] }
        : resource
      const line = `${JSON.stringify(shown)}\n`
      const text = byType.get(resource.resourceType) ?? ''
      byType.set(resource.resourceType, text + (this.writesTwice ? line + line : line))
    }
    const output = [...byType].map(([type, text]) => ({ type, kind: 'output' as const, text }))
    const sinceMs = kickOff.since === undefined ? Infinity : Date.parse(kickOff.since)
    const deleted = [...this.#deleted].filter(([, atMs]) => this.tellsDeletions && atMs > sinceMs)
    const lines = deleted.map(([url]) => {
      const entry = [{ request: { method: 'DELETE', url } }]
      return `${JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })}\n`
    })
    const bundle = { type: 'Bundle', kind: 'deleted' as const, text: lines.join('') }
    return lines.length === 0 ? output : [...output, bundle]
  }

  #selected({ level, types, since, patients }: FakeKickOff): readonly Version[] {
    const members = this.groups.get(level.slice('group/'.length))
    const sinceMs = since === undefined || this.ignoresSince ? -Infinity : Date.parse(since)
    return [...this.#rows.values()].filter(({ resource, atMs }) => {
      const subject = resource['subject'] as { readonly reference: string } | undefined
      const patient =
        resource.resourceType === 'Patient' ? resource.id : subject?.reference.split('/')[1]
      const isMember = members === undefined || (patient !== undefined && members.has(patient))
      const isWanted =
        patients === undefined || (patient !== undefined && patients.includes(patient))
      const isOfType = types === undefined || types.includes(resource.resourceType)
      return isMember && isWanted && isOfType && atMs > sinceMs
    })
  }

  #manifest({ transactionTime, files }: FakeExport, number: number): unknown {
    const ofKind = (kind: string): readonly unknown[] =>
      files.flatMap((file, index) => {
        const url = `${this.#origin}/file/${number}/${index}`
        return file.kind === kind ? [{ type: file.type, url }] : []
      })
    return {
      ...{ transactionTime, request: this.url, requiresAccessToken: false },
      ...{ output: ofKind('output'), deleted: ofKind('deleted'), error: [] },
    }
  }

  #sendFile(response: ServerResponse, file: FakeFile | undefined): void {
    const refused = file === undefined ? 404 : this.refuseFile(file)
    if (file === undefined || refused !== undefined) {
      sendJson(response, refused ?? 404, {})
      return
    }
    response.writeHead(200, { 'content-type': 'application/fhir+ndjson' })
    response.end(file.text)
  }
}

function readKickOff(method: string, url: URL, body: string): FakeKickOff {
  const values = method === 'POST' ? bodyValues(body) : [...url.searchParams]
  const all = (name: string): readonly string[] =>
    values.filter(([key]) => key === name).flatMap(([, value]) => value.split(','))
  const group = /\/Group\/([^/]+)\//.exec(url.pathname)?.[1]
  const types = all('_type')
  const patients = all('patient').map((reference) => reference.replace('Patient/', ''))
  return {
    method,
    level: group === undefined ? 'system' : `group/${group}`,
    types: types.length === 0 ? undefined : types,
    since: all('_since')[0],
    elements: all('_elements'),
    patients: patients.length === 0 ? undefined : patients,
    filters: all('_typeFilter'),
  }
}

function bodyValues(body: string): (readonly [string, string])[] {
  const { parameter = [] } = JSON.parse(body) as {
    readonly parameter?: readonly Readonly<Record<string, unknown>>[]
  }
  return parameter.map((entry) => {
    const reference = entry['valueReference'] as { readonly reference: string } | undefined
    const value = reference?.reference ?? entry['valueString'] ?? entry['valueInstant']
    return [String(entry['name']), String(value)] as const
  })
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/fhir+json' })
  response.end(JSON.stringify(body))
}
