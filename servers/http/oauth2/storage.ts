import type { Adapter, Payload } from 'oidc-provider'
import type { Clock } from '../../../src/core/time/clock.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import type { StoreFiles } from '../../../src/tls/pki/certificate-store/files.ts'
import type { Records, StoredRecord } from '../../../src/tls/pki/certificate-store/records.ts'
import { loadPackage } from './package.ts'

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
  Client: 500,
  AuthorizationCode: 1_000,
  AccessToken: 5_000,
  ClientCredentials: 5_000,
  RefreshToken: 5_000,
  Grant: 5_000,
}
/** The longest record, in characters of JSON. Authorization requests are kept whole. */
const MAX_RECORD_LENGTH = 64 * 1024

/** Records are kept a day after they have expired, so that clients learn that. */
const KEPT_MS = 86_400_000
/** How long records without an end are kept. */
const ENDLESS_MS = 30 * 86_400_000

/** A stored record. */
interface Stored {
  readonly payload: Payload
  /** How far the clock of the lab was ahead of the machine's, in milliseconds. */
  readonly offsetMs: number
  /** When it was stored, by the clock of the machine, in milliseconds since the epoch. */
  readonly atMs: number
}

/** The memory of the lab's authorization server: sessions, codes, tokens and what they belong to. All nodes share it. */
export class Storage {
  readonly #clock: Clock
  readonly #files: Pick<StoreFiles, 'records'>

  constructor(files: Pick<StoreFiles, 'records'>, clock: Clock) {
    this.#files = files
    this.#clock = clock
  }

  /** Forgets everything. @throws PkiError `store`, as all methods */
  async clear(): Promise<void> {
    await Promise.all(Object.keys(LIMITS).map((kind) => this.#of(kind).clear()))
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
  async ofGrant(kind: string, grantId: string): Promise<Payload[]> {
    return (await this.#of(kind).withKey(indexKey('grantId', grantId))).map(
      ({ text }) => (JSON.parse(text) as Stored).payload,
    )
  }

  /** Returns what the package stores a kind of record with. */
  adapter(kind: string): Adapter {
    const records = this.#of(kind)
    const first = async (key: string) => this.#shown((await records.withKey(key))[0])
    return {
      upsert: (id, payload) => this.#put(kind, id, payload),
      find: async (id) => this.#shown(await records.get(id)),
      findByUid: (uid) => first(indexKey('uid', uid)),
      findByUserCode: (code) => first(indexKey('userCode', code)),
      consume: (id) => consume(records, id),
      destroy: async (id) => void (await records.remove(id)),
      revokeByGrantId: (grantId) => records.removeWithKey(indexKey('grantId', grantId)),
    }
  }

  #of(kind: string): Records {
    return this.#files.records(`oauth2/${kind}`, LIMITS[kind] ?? 0)
  }

  /** @throws Error if a record is too long */
  async #put(kind: string, id: string, payload: Payload): Promise<void> {
    const atMs = systemClock.now()
    const stored: Stored = { payload, offsetMs: this.#offsetMs(), atMs }
    const text = JSON.stringify(stored)
    if (text.length > MAX_RECORD_LENGTH) throw new Error(`the ${kind} is too long to be stored`)
    const lifeMs = payload.exp === undefined ? ENDLESS_MS : Math.max(0, payload.exp * 1000 - atMs) + KEPT_MS
    const keys = KEYS.flatMap((name) => {
      const value = payload[name]
      return value === undefined ? [] : [indexKey(name, value)]
    })
    await this.#of(kind).put(id, { text, keys, lifeMs })
  }

  #offsetMs = (): number => this.#clock.now() - systemClock.now()

  /**
   * Returns a record with its times as the package must see them. It compares them with the clock of this machine: they are
   * earlier by what the clock of the lab has moved forward since, and differ by what the clock of the node that stored them
   * differs.
   */
  #shown(found: StoredRecord | undefined): Payload | undefined {
    if (!found) return undefined
    const { payload, offsetMs, atMs } = JSON.parse(found.text) as Stored
    const aheadMs = systemClock.now() - found.ageMs - atMs
    const seconds = Math.round((aheadMs - (this.#offsetMs() - offsetMs)) / 1000)
    if (seconds === 0) return payload
    const moved = TIMES.flatMap((name) => {
      const time = payload[name]
      return time === undefined ? [] : [[name, time + seconds]]
    })
    return { ...payload, ...Object.fromEntries(moved) }
  }
}

const TIMES = ['iat', 'exp', 'iiat'] as const

/** The keys by which records are found, besides their id. */
const KEYS = ['uid', 'userCode', 'grantId'] as const

const indexKey = (name: (typeof KEYS)[number], value: string): string => `${name} ${value}`

/**
 * Marks a record as used. Of several requests that use it at the same time, at whichever node, one does.
 * @throws InvalidGrant for the others
 */
async function consume(records: Records, id: string): Promise<void> {
  const found = await records.get(id)
  if (!found) return
  const stored = JSON.parse(found.text) as Stored
  const used: Stored = { ...stored, payload: { ...stored.payload, consumed: 1 } }
  const isFirst = !stored.payload.consumed && (await records.replace(id, found.text, JSON.stringify(used)))
  if (isFirst) return
  const { errors } = await loadPackage()
  throw new errors.InvalidGrant('it was used before')
}
