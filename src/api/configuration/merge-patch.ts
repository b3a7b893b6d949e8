import type { ConfigChange } from '../../core/config/edit/edit-yaml.ts'
import { schemasAt } from '../../core/config/json-schema.ts'
import { type Path, pointerOf, valueAt } from '../../core/config/mistakes.ts'
import { isMapping } from '../../core/values/mapping.ts'

/**
 * Returns the changes of a merge patch (RFC 7396) of a value: null removes a key. Mappings that have no other form, such
 * as `limits`, are merged; everything else is replaced.
 * @param config the whole configuration, as it was written
 */
export function mergeChanges(config: unknown, path: Path, patch: Readonly<Record<string, unknown>>): ConfigChange[] {
  return Object.entries(patch).flatMap(([key, value]): ConfigChange[] => {
    const at = [...path, key]
    if (value === null) return valueAt(config, at) === undefined ? [] : [{ op: 'remove', path: pointerOf(at) }]
    if (isMapping(value) && isMerged(at)) {
      const changes = mergeChanges(config, at, value)
      // A patch without values creates an empty mapping, which may not be valid. RFC 7396 section 2.
      const isCreated = changes.length === 0 && valueAt(config, at) === undefined
      return isCreated ? [{ op: 'set', path: pointerOf(at), value: {} }] : changes
    }
    return [{ op: 'set', path: pointerOf(at), value }]
  })
}

/** Returns whether a value is a mapping in every form. */
function isMerged(path: Path): boolean {
  const schemas = schemasAt(path)
  return schemas.length === 1 && schemas[0]?.properties !== undefined
}

/** Returns a value with a merge patch applied: null removes a key, mappings are merged. RFC 7396 section 2. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMapping(patch)) return patch
  const merged = new Map(isMapping(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}
