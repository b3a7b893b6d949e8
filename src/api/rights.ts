import type { SharedChange } from '../common/shared-values.ts'
import type { ApiLab } from './lab.ts'

/** The shared values that rights depend on, and which of their changes matter. New accounts and browsers take no rights away. */
const values: Readonly<Record<string, (change: SharedChange<unknown>) => boolean>> = {
  accounts: ({ previous }) => previous !== undefined,
  'account-changes': () => true,
  tenants: () => true,
  'browser-sessions': ({ value }) => value === undefined,
}

/**
 * Says that callers may have lost or changed their rights: by another configuration, by a change of accounts or tenants on any
 * node, or because a browser has logged off. What lives longer than a request looks its caller up again then.
 */
export class RightsChanges {
  readonly #listeners = new Set<() => void>()
  readonly #unwatch: readonly (() => void)[]
  #notice: NodeJS.Immediate | undefined

  constructor(lab: Pick<ApiLab, 'values' | 'watchChanges'>) {
    this.#unwatch = [
      lab.watchChanges(({ type }) => {
        if (type === 'configuration') this.#changed()
      }),
      ...Object.entries(values).map(([name, matters]) =>
        lab.values.map(name).watch((change) => {
          if (matters(change)) this.#changed()
        }),
      ),
    ]
  }

  /** Calls `listener` soon after changes. Returns the function that removes the listener. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    for (const unwatch of this.#unwatch) unwatch()
    clearImmediate(this.#notice)
    this.#listeners.clear()
  }

  /** Everything else that listens to the change has taken it up before the listeners are called. */
  #changed(): void {
    if (this.#listeners.size === 0) return
    this.#notice ??= setImmediate(() => {
      this.#notice = undefined
      for (const listener of this.#listeners) listener()
    })
  }
}
