import type { ValueItem } from '../../copy/types.ts'
import type { ValueChanges, ValueKind, ValueSpace, Values } from '../../value-types.ts'
import { textKey } from '../text-key.ts'

/** Octets that a value takes besides its name and content. */
const VALUE_OCTETS = 128
const NONE: Values = new Map()

type SpaceKey = Pick<ValueSpace, 'kind' | 'reader' | 'names'>

/** The values of one folder, or of the store as a whole. */
export class MemoryValues {
  readonly #spaces = new Map<string, Map<string, Buffer>>()
  #octets = 0

  /** The memory that all values take. */
  get octets(): number {
    return this.#octets
  }

  /** Yields every value, with its reader as `textKey`. */
  *all(): Generator<Pick<ValueItem, 'kind' | 'reader' | 'name' | 'content'>, void, void> {
    for (const [key, values] of this.#spaces) {
      const at = key.indexOf('\n')
      const [kind, reader] = [key.slice(0, at) as ValueKind, key.slice(at + 1)]
      for (const [name, content] of values) yield { kind, reader, name, content }
    }
  }

  /** Returns the values of a space. Later changes do not affect the map. */
  in(space: SpaceKey): Values {
    const values = this.#spaces.get(spaceKey(space)) ?? NONE
    if (!space.names) return new Map(values)
    const found = new Map<string, Buffer>()
    for (const name of space.names) {
      const value = values.get(name)
      if (value) found.set(name, value)
    }
    return found
  }

  /** Returns how much more memory the values take after these changes. */
  growth(space: SpaceKey, changes: ValueChanges): number {
    const values = this.#spaces.get(spaceKey(space)) ?? NONE
    let octets = 0
    for (const [name, value] of changes) octets += sizeOf(name, value) - sizeOf(name, values.get(name))
    return octets
  }

  change(space: SpaceKey, changes: ValueChanges): void {
    this.#octets += this.growth(space, changes)
    const values = this.#spaces.get(spaceKey(space)) ?? new Map<string, Buffer>()
    for (const [name, value] of changes) {
      if (value) values.set(name, Buffer.from(value))
      else values.delete(name)
    }
    if (values.size > 0) this.#spaces.set(spaceKey(space), values)
    else this.#spaces.delete(spaceKey(space))
  }

  clear(): void {
    this.#spaces.clear()
    this.#octets = 0
  }
}

const spaceKey = ({ kind, reader }: SpaceKey): string => `${kind}\n${textKey(reader ?? '')}`

const sizeOf = (name: string, value: Buffer | undefined): number =>
  value ? VALUE_OCTETS + Buffer.byteLength(name) + value.length : 0
