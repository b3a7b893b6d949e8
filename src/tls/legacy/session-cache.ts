import { randomBytes } from 'node:crypto'
import type { LegacySuite } from './suites.ts'
import type { LegacyVersion } from './versions.ts'

/** What is kept of a handshake for the next one. */
export interface LegacySession {
  readonly id: Buffer
  readonly version: LegacyVersion
  readonly suite: LegacySuite
  readonly master: Buffer
  readonly serverName: string | undefined
}

/** RFC 2246 section F.1.4 names 24 hours as the most. */
const LIFETIME_MS = 60 * 60 * 1000
const MAX_SESSIONS = 1000

/** Sessions to be resumed by id, the oldest dropped first. One a virtual server, so that none is resumed at another. */
export class LegacySessionCache {
  readonly #sessions = new Map<string, { readonly session: LegacySession; readonly expiresAt: number }>()
  readonly #now: () => number

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  newId(): Buffer {
    return randomBytes(32)
  }

  add(session: LegacySession): void {
    const oldest = this.#sessions.keys().next()
    if (this.#sessions.size >= MAX_SESSIONS && !oldest.done) this.#sessions.delete(oldest.value)
    this.#sessions.set(session.id.toString('hex'), { session, expiresAt: this.#now() + LIFETIME_MS })
  }

  find(id: Buffer): LegacySession | undefined {
    const held = this.#sessions.get(id.toString('hex'))
    return held && held.expiresAt > this.#now() ? held.session : undefined
  }

  /** A connection that ends in a fatal alert takes its session along. RFC 2246 section 7.2.2. */
  remove(id: Buffer): void {
    this.#sessions.delete(id.toString('hex'))
  }
}
