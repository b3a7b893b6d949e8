import type { Adapter, Payload } from 'oidc-provider'
import type { Clock } from '../../../src/common/clock.ts'

/**
 * The most records of each kind. Beyond it, the oldest is dropped. Anybody can create those of the first group, and only
 * clients with an account or a secret those of the second, so that the first cannot displace the second.
 */
const LIMITS: Readonly<Record<string, number>> = {
  Session: 500,
  Interaction: 500,
  DeviceCode: 500,
  PushedAuthorizationRequest: 500,
  ReplayDetection: 500,
  AuthorizationCode: 1_000,
  AccessToken: 5_000,
  ClientCredentials: 5_000,
  RefreshToken: 5_000,
  Grant: 5_000,
}
/** The longest record, in characters of JSON. Authorization requests are kept whole. */
const MAX_RECORD_LENGTH = 64 * 1024

interface Stored {
  readonly payload: Payload
  /** How far the clock of the lab was ahead of the machine's, in milliseconds. */
  readonly offsetMs: number
}

/** The memory of the lab's authorization server: sessions, codes, tokens and what they belong to. */
export class Storage {
  readonly #clock: Clock
  readonly #kinds = new Map<string, Map<string, Stored>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Forgets everything. */
  clear(): void {
    this.#kinds.clear()
  }

  /** Returns a time of the package, in seconds of the machine, in milliseconds of the clock of the lab. */
  labTime(seconds: number): number {
    return seconds * 1000 + this.#offsetMs()
  }

  /** Returns a time of the lab, in milliseconds, as the package counts it. */
  packageTime(atMs: number): number {
    return Math.floor((atMs - this.#offsetMs()) / 1000)
  }

  /** Returns the records of a kind that belong to a grant. */
  ofGrant(kind: string, grantId: string): Payload[] {
    return [...this.#of(kind).values()]
      .filter(({ payload }) => payload.grantId === grantId)
      .map(({ payload }) => payload)
  }

  /** Returns what the package stores a kind of record with. */
  adapter(kind: string): Adapter {
    return {
      upsert: async (id, payload) => this.#put(kind, id, payload),
      find: async (id) => this.#shown(this.#of(kind).get(id)),
      findByUid: async (uid) => this.#shown(this.#first(kind, (one) => one.uid === uid)),
      findByUserCode: async (code) => this.#shown(this.#first(kind, ({ userCode }) => userCode === code)),
      consume: async (id) => {
        const stored = this.#of(kind).get(id)
        if (stored) this.#of(kind).set(id, { ...stored, payload: { ...stored.payload, consumed: 1 } })
      },
      destroy: async (id) => void this.#of(kind).delete(id),
      revokeByGrantId: async (grantId) => {
        for (const [id, { payload }] of this.#of(kind)) if (payload.grantId === grantId) this.#of(kind).delete(id)
      },
    }
  }

  #of(kind: string): Map<string, Stored> {
    const known = this.#kinds.get(kind) ?? new Map<string, Stored>()
    this.#kinds.set(kind, known)
    return known
  }

  #first(kind: string, isMeant: (payload: Payload) => boolean): Stored | undefined {
    for (const stored of this.#of(kind).values()) if (isMeant(stored.payload)) return stored
    return undefined
  }

  /** @throws Error if a record is too long */
  #put(kind: string, id: string, payload: Payload): void {
    if (JSON.stringify(payload).length > MAX_RECORD_LENGTH) throw new Error(`the ${kind} is too long to be stored`)
    const records = this.#of(kind)
    records.set(id, { payload, offsetMs: this.#offsetMs() })
    if (records.size > (LIMITS[kind] ?? 0)) records.delete(records.keys().next().value as string)
  }

  #offsetMs = (): number => this.#clock.now() - Date.now()

  /**
   * Returns a record with its times as the package must see them. It compares them with the clock of the machine: when the
   * clock of the lab has moved forward, they are so much earlier.
   */
  #shown(stored: Stored | undefined): Payload | undefined {
    if (!stored) return undefined
    const movedSeconds = Math.round((this.#offsetMs() - stored.offsetMs) / 1000)
    if (movedSeconds === 0) return stored.payload
    const moved = TIMES.flatMap((name) => {
      const time = stored.payload[name]
      return time === undefined ? [] : [[name, time - movedSeconds]]
    })
    return { ...stored.payload, ...Object.fromEntries(moved) }
  }
}

const TIMES = ['iat', 'exp', 'iiat'] as const
