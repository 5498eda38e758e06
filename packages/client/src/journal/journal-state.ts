import type { ExportVerdict } from '../export-report.ts'
import type { EndReason } from '../job-status.ts'
import type {
  JournalEntry,
  StoredManifest,
  StoredPlan,
  StoredProvider,
  StoredResult,
  StoredValidator,
} from './journal-entry.ts'

/** A page of the manifest as the journal has it. */
export interface JournaledPage {
  readonly page: number
  readonly url: string
  readonly manifest: StoredManifest
}

/**
 * Where a run stands, by its journal.
 *
 * Applying an entry is the only way to change it, while the run works and when its journal is read
 * again: what a resumed run believes is what the interrupted one believed.
 */
export class JournalState {
  exportId: string | undefined
  plan: StoredPlan | undefined
  provider: StoredProvider | undefined
  startedAt: string | undefined
  sessions = 0
  statusUrl: string | undefined
  kickOffAt: string | undefined
  /** A kick-off request may have been sent of which nobody knows the answer. */
  kickOffUnknown = false
  /** Kick-off requests whose answers were lost; each may have left a job at the provider. */
  kickOffsLost = 0
  statusNotBefore: string | undefined
  /** In the order in which they were received; a later one of the same page replaces the earlier. */
  readonly pages: JournaledPage[] = []
  manifestAt: string | undefined
  readonly validators: Map<string, StoredValidator> = new Map<string, StoredValidator>()
  readonly results: Map<string, StoredResult> = new Map<string, StoredResult>()
  /** Small files that went into larger ones, and into which. */
  readonly packed: Map<string, string> = new Map<string, string>()
  collected: { readonly at: string; readonly verdict: ExportVerdict } | undefined
  deletedAt: string | undefined
  ended: { readonly at: string; readonly reason: EndReason } | undefined

  /**
   * Whether a provider has, or may have, taken a kick-off request. Until then the folder belongs to
   * no export yet: whoever mistyped a Group's id may ask again for another one.
   */
  get hasBegun(): boolean {
    return this.kickOffAt !== undefined || this.kickOffUnknown || this.kickOffsLost > 0
  }

  apply(entry: JournalEntry): void {
    switch (entry.type) {
      case 'run':
        this.exportId = entry.exportId
        this.plan = entry.plan
        this.startedAt = entry.at
        return
      case 'session':
        this.sessions += 1
        return
      case 'provider':
        this.provider = entry.provider
        return
      case 'collected':
        this.collected = entry
        return
      case 'packed':
        for (const path of entry.from) this.packed.set(path, entry.path)
        return
      case 'deleted':
        this.deletedAt = entry.at
        return
      case 'ended':
        this.ended = entry
        return
      default:
        this.#applyProgress(entry)
    }
  }

  #applyProgress(
    entry: Exclude<
      JournalEntry,
      { type: 'run' | 'session' | 'provider' | 'packed' | 'collected' | 'deleted' | 'ended' }
    >,
  ): void {
    switch (entry.type) {
      case 'kick-off-intent':
        if (this.kickOffUnknown) this.kickOffsLost += 1
        this.kickOffUnknown = true
        this.#forgetJob()
        return
      case 'kick-off-refused':
        this.kickOffUnknown = false
        return
      case 'kick-off':
        this.kickOffUnknown = false
        this.statusUrl = entry.statusUrl
        this.kickOffAt = entry.at
        return
      case 'status-wait':
        this.statusNotBefore = entry.until
        return
      case 'manifest-page':
        this.pages.push(entry)
        return
      case 'manifest-complete':
        this.manifestAt = entry.at
        return
      case 'file-begun':
        this.#begun(entry)
        return
      case 'file-done':
        this.validators.delete(entry.key)
        this.results.set(entry.key, entry.result)
    }
  }

  #begun(entry: Extract<JournalEntry, { type: 'file-begun' }>): void {
    const { key, etag, coding, reprDigest, encodedBytes } = entry
    if (etag === undefined || coding === undefined) {
      this.validators.delete(key)
      return
    }
    this.validators.set(key, {
      etag,
      coding,
      ...(reprDigest !== undefined && { reprDigest }),
      ...(encodedBytes !== undefined && { encodedBytes }),
    })
  }

  /** A new kick-off begins a new job; what was known of an ended one is history. */
  #forgetJob(): void {
    this.statusUrl = undefined
    this.statusNotBefore = undefined
    this.ended = undefined
    this.manifestAt = undefined
    this.pages.length = 0
    this.validators.clear()
  }
}
