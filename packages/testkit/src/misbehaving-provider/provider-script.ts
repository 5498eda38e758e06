import type { OutputFileKind } from '@flatfhir/protocol'

/** One answer, word for word. */
export interface ScriptedAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Anything but a string or bytes is sent as JSON. */
  readonly body?: unknown
  /** Instead of an answer: never answers, or closes the connection. */
  readonly instead?: 'hang' | 'close'
}

/** How one request for a file is answered. What is left out is done properly. */
export interface FileBehaviour {
  /** This instead of the file. */
  readonly answer?: ScriptedAnswer
  /** Sends this many bytes of what it was going to send, and then does `afterCut`. */
  readonly cutAfterBytes?: number
  /** @defaultValue `'close'` */
  readonly afterCut?: 'close' | 'hang'
  /** Sends so many bytes at a time, with a pause after each. */
  readonly pace?: { readonly bytes: number; readonly pauseMs: number }
  /** Answers a `Range` request with the whole file. */
  readonly ignoreRange?: boolean
  /** Answers every request with 206 and a `Content-Range` that starts here. */
  readonly wrongRangeStart?: number
  /** `null`: no `ETag`. */
  readonly etag?: string | null
  /**
   * How the end of the body is told: `Content-Length`, chunks, or by closing the connection.
   *
   * @defaultValue `'length'`
   */
  readonly framing?: 'length' | 'chunked' | 'close'
  /** The coding to send in, whatever the client accepts. */
  readonly coding?: 'gzip' | 'identity'
  /** Other content than the file's; sent as it is, whatever the coding says. */
  readonly rawContent?: string | Uint8Array
  /** Other content than the file's. */
  readonly content?: string | Uint8Array
  /** More headers, or others. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A file of the manifest. */
export interface ScriptedFile {
  /** @defaultValue `'output'` */
  readonly kind?: OutputFileKind
  readonly type: string
  readonly content: string | Uint8Array
  /** More fields of its manifest entry, or others; `undefined` takes one out. */
  readonly entry?: Readonly<Record<string, unknown>>
  /** How the first, second … request for it is answered. */
  readonly requests?: readonly FileBehaviour[]
  /** How all requests are answered, unless `requests` says otherwise. */
  readonly always?: FileBehaviour
}

/** What one export of several comes to. What is left out is as {@link ProviderScript} has it. */
export interface ScriptedExport {
  readonly transactionTime?: string
  readonly files?: readonly ScriptedFile[]
  /** Changes the manifest before it is sent, as {@link ProviderScript.manifest} does. */
  readonly manifest?: (manifest: ScriptedManifest, page: number) => unknown
}

/** What a provider does, endpoint by endpoint. What is left out is done properly. */
export interface ProviderScript {
  /** Answers to the first, second … kick-off request; afterwards kick-offs are accepted. */
  readonly kickOff?: readonly ScriptedAnswer[]
  /** Answers to the first, second … status request; afterwards the manifest is. */
  readonly status?: readonly ScriptedAnswer[]
  /** Headers of the answer that brings the manifest. */
  readonly manifestHeaders?: Readonly<Record<string, string>>
  /** Answers to the first, second … Delete Request; afterwards 202. */
  readonly delete?: readonly ScriptedAnswer[]
  readonly files?: readonly ScriptedFile[]
  /** Files per page of the manifest. Default: one page. */
  readonly filesPerPage?: number
  /**
   * Changes a page of the manifest before it is sent.
   *
   * @param page - 0 for the first.
   * @returns What is sent instead, as JSON.
   */
  readonly manifest?: (manifest: ScriptedManifest, page: number) => unknown
  /** `CapabilityStatement` at `/metadata`; without one the answer is 404. */
  readonly capabilities?: Readonly<Record<string, unknown>>
  /** Binary and other content by path, for attachments; asked for with or without token. */
  readonly content?: Readonly<Record<string, ScriptedAnswer>>
  /**
   * Pages of the manifest that the first, second … status answer shows while the job still runs
   * (202); after `status`, before the complete manifest. Pages are `filesPerPage` long.
   */
  readonly partial?: readonly number[]
  /**
   * What the export of an accepted kick-off comes to, by what was asked for. Each export has a status
   * URL and files of its own then. Without it, all are the same one.
   *
   * @param index - 0 for the first accepted kick-off.
   * @returns An answer with a `status` refuses the kick-off.
   */
  readonly export?: (request: RecordedRequest, index: number) => ScriptedExport | ScriptedAnswer
  /** A bearer token without which kick-off, status and delete are answered with 401. */
  readonly token?: string
}

/** A page of the manifest, as a well-behaved provider of STU2 would send it. */
export interface ScriptedManifest {
  readonly transactionTime: string
  readonly request: string
  readonly requiresAccessToken: boolean
  readonly output: readonly Readonly<Record<string, unknown>>[]
  readonly deleted: readonly Readonly<Record<string, unknown>>[]
  readonly error: readonly Readonly<Record<string, unknown>>[]
  readonly link?: readonly Readonly<Record<string, unknown>>[]
}

/** A request that the provider got. */
export interface RecordedRequest {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}
