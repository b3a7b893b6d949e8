import type { MessageStore } from './types.ts'

/** Returns methods of a store, for a store in front of it that leaves them as they are. */
export const methodsOf = <Name extends Exclude<keyof MessageStore, symbol>>(
  store: MessageStore,
  names: readonly Name[],
): Pick<MessageStore, Name> =>
  Object.fromEntries(
    names.map((name) => [name, (...args: unknown[]) => (store[name] as (...args: unknown[]) => unknown)(...args)]),
  ) as Pick<MessageStore, Name>
