const MS_PER_DAY = 24 * 60 * 60 * 1000

/** Bytes of one answer that count as sent until {@link BytesReservation.settle} tells the truth. */
export interface BytesReservation {
  /** @param sentBytes - What was really sent. Harmless when called again. */
  settle(sentBytes: number): void
}

interface Usage {
  readonly day: number
  bytes: number
}

/** How many bytes each client got since midnight, UTC. One entry per registered client at most. */
export class DailyBytes {
  readonly #clock: () => Date
  readonly #usage = new Map<string, Usage>()

  constructor(clock: () => Date) {
    this.#clock = clock
  }

  /**
   * Counts an answer before it is sent, so that answers at one time cannot pass the limit together.
   *
   * @returns whole seconds until the next day, when the client has had its share.
   */
  reserve(
    clientId: string,
    { bytes, maxBytes }: { readonly bytes: number; readonly maxBytes: number },
  ): BytesReservation | number {
    const nowMs = this.#clock().getTime()
    const usage = this.#usageOf(clientId, Math.floor(nowMs / MS_PER_DAY))
    if (usage.bytes >= maxBytes) {
      return Math.max(1, Math.ceil((MS_PER_DAY - (nowMs % MS_PER_DAY)) / 1000))
    }
    usage.bytes += bytes
    let reserved = bytes
    return {
      settle(sentBytes) {
        usage.bytes += sentBytes - reserved
        reserved = sentBytes
      },
    }
  }

  #usageOf(clientId: string, day: number): Usage {
    const known = this.#usage.get(clientId)
    if (known?.day === day) return known
    const usage = { day, bytes: 0 }
    this.#usage.set(clientId, usage)
    return usage
  }
}
