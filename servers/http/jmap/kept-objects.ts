import type { Owner } from '../../../src/storage/store/folder.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import type { ValueSpace } from '../../../src/storage/store/value-types.ts'
import type { Changes } from './types.ts'

/** An object as the store keeps it, with the numbers of the changes that created it and that changed it last. */
interface Kept<T> {
  readonly created: number
  readonly changed: number
  /** Absent: it was destroyed. */
  readonly object?: T
}

/** Destroyed objects and older changes are forgotten after this many changes. */
const KEPT_CHANGES = 1_000
/** The name of the numbers of the first and the last change. Ids have no dots. */
const NUMBERS = '.numbers'

/** The objects of one data type and account, which the store keeps, so that every node has them, with their changes. */
export class KeptObjects<T extends object> {
  readonly #store: MessageStore
  readonly #space: ValueSpace
  readonly #isOld: (object: T) => boolean

  /** @param isOld returns whether an object is removed after many changes of others. Default: none is */
  constructor(
    store: MessageStore,
    owner: Owner,
    kind: 'identity' | 'submission',
    isOld: (object: T) => boolean = () => false,
  ) {
    this.#store = store
    this.#space = { kind, reader: owner }
    this.#isOld = isOld
  }

  /** Returns the number of the last change; 0 if there was none. @throws StoreError */
  async state(): Promise<number> {
    return numbersIn(await this.#store.values({ ...this.#space, names: [NUMBERS] })).last
  }

  /** Returns objects by their ids, in the order of their creation. @throws StoreError */
  async get(ids?: readonly string[] | null): Promise<ReadonlyMap<string, T>> {
    const all = await this.#all(ids ? { ...this.#space, names: ids } : this.#space)
    const objects = all.sort(([, one], [, other]) => one.created - other.created)
    return new Map(objects.flatMap(([id, { object }]) => (object ? [[id, object] as const] : [])))
  }

  /** Returns the changes after a number; undefined if they are not known. @throws StoreError */
  async changes(since: number, max: number): Promise<Changes | undefined> {
    const { first, last } = numbersIn(await this.#store.values({ ...this.#space, names: [NUMBERS] }))
    if (since !== 0 && !(since >= first && since <= last)) return undefined
    const all = await this.#all(this.#space)
    const after = all.filter(([, { created, changed, object }]) => changed > since && (object || created <= since))
    const part = after.sort(([, one], [, other]) => one.changed - other.changed).slice(0, max)
    const hasMoreChanges = part.length < after.length
    const idsOf = (wanted: (kept: Kept<T>) => boolean): string[] =>
      part.filter(([, kept]) => wanted(kept)).map(([id]) => id)
    return {
      created: idsOf(({ created, object }) => object !== undefined && created > since),
      updated: idsOf(({ created, object }) => object !== undefined && created <= since),
      destroyed: idsOf(({ object }) => object === undefined),
      newState: String(hasMoreChanges ? part.at(-1)?.[1].changed : last),
      hasMoreChanges,
    }
  }

  /**
   * Changes an object in one step.
   * @param change returns the new object; undefined destroys it, and the same object leaves it. Must not throw
   * @param wasThere whether clients know the object, although it is kept only now
   * @throws StoreError
   */
  async change(id: string, change: (current: T | undefined) => T | undefined, wasThere = false): Promise<void> {
    let isTimeToForget = false
    await this.#store.changeValues({ ...this.#space, names: [id, NUMBERS] }, (values) => {
      const { first, last } = numbersIn(values)
      const kept = keptIn<T>(values.get(id))
      const object = change(kept?.object)
      if (object === kept?.object) return new Map()
      // A store that was cleared begins with a greater number, so that older states are unknown.
      const changed = last === 0 ? Date.now() : last + 1
      const created = kept?.object ? kept.created : wasThere ? 0 : changed
      isTimeToForget = changed - first > 2 * KEPT_CHANGES
      return new Map([
        [id, written({ created, changed, object })],
        [NUMBERS, written({ first: first || changed - 1, last: changed })],
      ])
    })
    if (isTimeToForget) await this.#forget()
  }

  async #forget(): Promise<void> {
    const old: string[] = []
    await this.#store.changeValues(this.#space, (values) => {
      old.length = 0
      const { last } = numbersIn(values)
      const forgotten: [string, Buffer | undefined][] = []
      for (const [id, { changed, object }] of entriesIn<T>(values)) {
        if (changed > last - KEPT_CHANGES) continue
        if (!object) forgotten.push([id, undefined])
        else if (this.#isOld(object)) old.push(id)
      }
      return new Map([...forgotten, [NUMBERS, written({ first: last - KEPT_CHANGES, last })]])
    })
    for (const id of old) await this.change(id, () => undefined)
  }

  async #all(space: ValueSpace): Promise<[string, Kept<T>][]> {
    return entriesIn<T>(await this.#store.values(space))
  }
}

const keptIn = <T>(content: Buffer | undefined): Kept<T> | undefined => content && JSON.parse(`${content}`)
const written = (value: object): Buffer => Buffer.from(JSON.stringify(value))

const entriesIn = <T>(values: ReadonlyMap<string, Buffer>): [string, Kept<T>][] =>
  [...values].filter(([id]) => id !== NUMBERS).map(([id, content]) => [id, JSON.parse(`${content}`)])

const numbersIn = (values: ReadonlyMap<string, Buffer>): { readonly first: number; readonly last: number } =>
  JSON.parse(`${values.get(NUMBERS) ?? '{"first":0,"last":0}'}`)
