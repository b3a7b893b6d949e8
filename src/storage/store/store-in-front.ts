import type { MessageStore } from './types.ts'

type Method = Exclude<keyof MessageStore, symbol>

/**
 * Returns a class of stores in front of another one that leave these methods as they are. Each session has such a store, so
 * the methods belong to the class.
 */
export function storesInFront<Name extends Method>(
  names: readonly Name[],
): new (
  behind: MessageStore,
) => Pick<MessageStore, Name> {
  class StoreInFront {
    readonly #behind: MessageStore

    constructor(behind: MessageStore) {
      this.#behind = behind
    }

    static forward(name: Name): void {
      Object.defineProperty(StoreInFront.prototype, name, {
        value(this: StoreInFront, ...args: unknown[]): unknown {
          return (this.#behind[name] as (...args: unknown[]) => unknown)(...args)
        },
      })
    }
  }
  for (const name of names) StoreInFront.forward(name)
  return StoreInFront as unknown as new (
    behind: MessageStore,
  ) => Pick<MessageStore, Name>
}
