import { clearInterval, setImmediate, setInterval } from '../core/time/real-timers.ts'
import type { SharedChange } from '../core/values/shared-values.ts'
import type { ApiLab } from './lab.ts'

/** Access tokens expire without a notice. */
const EXPIRY_CHECK_MS = 15_000

/** The shared values that rights depend on, and which of their changes matter. New accounts and browsers take no rights away. */
const values: Readonly<Record<string, (change: SharedChange<unknown>) => boolean>> = {
  accounts: ({ previous }) => previous !== undefined,
  'account-changes': () => true,
  tenants: () => true,
  'browser-sessions': ({ value }) => value === undefined,
}

/**
 * Says that callers may have lost or changed their rights: by another configuration, by a change of accounts or tenants on any
 * node, because a browser has logged off, or because an access token was revoked or may have expired. Streams, WebSockets and
 * waits then look their caller up again.
 */
export class RightsChanges {
  readonly #listeners = new Set<() => void>()
  readonly #unwatch: readonly (() => void)[]
  readonly #expiryCheck: NodeJS.Timeout
  #isNoticed = false

  constructor(lab: Pick<ApiLab, 'values' | 'oauth2' | 'changes'>) {
    this.#unwatch = [
      lab.changes.watch(({ type }) => {
        if (type === 'configuration' || type === 'clock') this.#onChange()
      }),
      lab.oauth2.tokens.watchRevocations(() => this.#onChange()),
      ...Object.entries(values).map(([name, matters]) =>
        lab.values.map(name).watch((change) => {
          if (matters(change)) this.#onChange()
        }),
      ),
    ]
    this.#expiryCheck = setInterval(() => this.#onChange(), EXPIRY_CHECK_MS).unref()
  }

  /** Calls `listener` soon after changes. Returns the function that removes the listener. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    for (const unwatch of this.#unwatch) unwatch()
    clearInterval(this.#expiryCheck)
    this.#listeners.clear()
  }

  /** Everything else that listens to the change has taken it up before the listeners are called. */
  #onChange(): void {
    if (this.#listeners.size === 0 || this.#isNoticed) return
    this.#isNoticed = true
    setImmediate(() => {
      this.#isNoticed = false
      for (const listener of this.#listeners) listener()
    })
  }
}
