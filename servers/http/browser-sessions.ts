import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { Api } from '../../src/api/api.ts'
import { systemClock } from '../../src/core/time/clock.ts'
import type { SharedMap, SharedValues } from '../../src/core/values/shared-values.ts'

/** The log-on of a browser, or of a listener to events. Rights are looked up again for every request. */
export type Credential =
  | { readonly kind: 'token'; readonly digest: string }
  /** Valid until the passwords of the account change: an account that is deleted and created again has others. */
  | { readonly kind: 'account'; readonly user: string; readonly verifier: string }
  /** Valid as long as the token. The time is in milliseconds since the epoch, by the clock of the lab. */
  | {
      readonly kind: 'access-token'
      readonly user: string
      readonly jti: string | undefined
      readonly expiresAt: number
    }

/** A browser that does nothing for this long has to log on again. */
const IDLE_MS = 7 * 24 * 60 * 60 * 1000
/** How often it is noted that a browser does something. */
const NOTED_MS = 60 * 60 * 1000
/** The least recently used is dropped first. */
const MAX_SESSIONS = 1_000

interface BrowserSession {
  readonly credential: Credential
  /** Milliseconds since the epoch, by the clock of the machine. At most `NOTED_MS` too early. */
  readonly usedAt: number
}

/**
 * The browsers that are logged on. They keep a random value in a cookie, and the lab its hash. All nodes of a lab share them:
 * behind a balancer, each request may reach another one.
 */
class BrowserSessions {
  readonly #sessions: SharedMap<BrowserSession>

  constructor(values: SharedValues) {
    this.#sessions = values.map('browser-sessions')
  }

  /** Keeps a credential. @param value the value of the cookie, as `newSecret` returns it */
  async start(value: string, credential: Credential): Promise<void> {
    await this.#put(digestOf(value), credential)
    if (this.#sessions.size > MAX_SESSIONS) await this.#sessions.delete(this.#leastRecent())
  }

  /** Returns what the owner of a cookie has logged on with. */
  async find(value: string): Promise<Credential | undefined> {
    const key = digestOf(value)
    const session = this.#sessions.get(key)
    if (session && systemClock.now() - session.usedAt > NOTED_MS) await this.#put(key, session.credential)
    return session?.credential
  }

  /** Returns whether a cookie is still valid. */
  has(value: string): boolean {
    return this.#sessions.has(digestOf(value))
  }

  end(value: string): Promise<void> {
    return this.#sessions.delete(digestOf(value))
  }

  #put(key: string, credential: Credential): Promise<void> {
    return this.#sessions.put(key, { credential, usedAt: systemClock.now() }, { ttlMs: IDLE_MS })
  }

  #leastRecent(): string {
    let [found, since] = ['', Number.POSITIVE_INFINITY]
    for (const [key, { usedAt }] of this.#sessions.entries()) if (usedAt < since) [found, since] = [key, usedAt]
    return found
  }
}

/** The sessions of each lab. All HTTP virtual servers of a lab share them. */
const sessions = new WeakMap<Api, BrowserSessions>()

export function browserSessions(api: Api): BrowserSessions {
  const known = sessions.get(api) ?? new BrowserSessions(api.lab.values)
  sessions.set(api, known)
  return known
}

export const newSecret = (): string => randomBytes(32).toString('base64url')

/** Returns a hash of the passwords of an account, which says nothing about them without the secret. */
export const verifierOf = ({ password, passwordHash, appPasswords = [] }: Account, secret: string): string =>
  createHmac('sha256', secret)
    .update(JSON.stringify([password ?? null, passwordHash ?? null, appPasswords]))
    .digest('base64url')

/** Returns the hash under which a secret is remembered. */
export const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

/**
 * Returns the name of the cookie. Browsers share cookies between the ports of a host, so that each lab has a name of its own.
 * @param host the Host field
 */
export const cookieName = (host: string | undefined, isSecure: boolean): string =>
  `${isSecure ? '__Host-' : ''}sealpost-${/:(\d+)$/.exec(host ?? '')?.[1] ?? 'default'}`

/** Returns the value of a cookie. RFC 6265 section 4.2.1. */
export function cookieIn(field: string | undefined, name: string): string | undefined {
  const found = (field ?? '').split(';').find((one) => one.trim().startsWith(`${name}=`))
  return found?.slice(found.indexOf('=') + 1).trim()
}

/** Returns a Set-Cookie field. Without a value it deletes the cookie. RFC 6265 section 4.1. */
export const cookieField = (name: string, value: string | undefined, isSecure: boolean): string =>
  [
    `${name}=${value ?? ''}`,
    'Path=/',
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
    ...(value === undefined ? ['Max-Age=0'] : [`Max-Age=${IDLE_MS / 1000}`]),
  ].join('; ')
