import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { textKey } from '../text-key.ts'
import type { ReadOptions } from './committed.ts'
import { LAST_TEXT, type Tables, type ValueKey } from './tables.ts'

/** Returns the values of a space. */
export function valuesIn({ values }: Tables, space: ValueSpace, options: ReadOptions = {}): Values {
  const prefix = prefixOf(space)
  if (space.names) return valuesNamed(values, prefix, space.names, options)
  const rows = values.getRange({ start: [...prefix, ''], end: [...prefix, LAST_TEXT], ...options })
  // The package reuses the memory that it reads into.
  return new Map(Array.from(rows, ({ value: [name, content] }) => [name, Buffer.from(content)]))
}

function valuesNamed(
  values: Tables['values'],
  prefix: readonly [string, string, string],
  names: readonly string[],
  options: ReadOptions,
): Values {
  const found = new Map<string, Buffer>()
  for (const name of names) {
    const record = values.get([...prefix, textKey(name)], options)
    if (record) found.set(name, Buffer.from(record[1]))
  }
  return found
}

/** Writes and removes values. Call it within a transaction. */
export function putValues({ values }: Tables, space: ValueSpace, changes: ValueChanges): void {
  for (const [name, content] of changes) {
    const key: ValueKey = [...prefixOf(space), textKey(name)]
    if (content) values.putSync(key, [name, content])
    else values.removeSync(key)
  }
}

/** Removes all values of a folder. Call it within a transaction. */
export function removeValues({ values }: Tables, folderId: string): void {
  const range = { start: [folderId, '', '', ''] as ValueKey, end: [folderId, LAST_TEXT, '', ''] as ValueKey }
  for (const key of [...values.getKeys(range)]) values.removeSync(key)
}

const prefixOf = ({ folderId = '', kind, reader }: ValueSpace): [string, string, string] => [
  folderId,
  kind,
  textKey(reader ?? ''),
]
