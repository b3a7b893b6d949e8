import { createHash } from 'node:crypto'

/**
 * Returns a function that makes a value from a text once: it remembers the last `max` results by a digest of the text. Errors
 * are not remembered.
 */
export function memoizeText<T>(max: number): (text: string, make: () => T) => T {
  const results = new Map<string, T>()
  return (text, make) => {
    const key = createHash('sha256').update(text).digest('base64')
    const known = results.get(key)
    if (known !== undefined) return known
    const made = make()
    const [oldest] = results.keys()
    if (oldest !== undefined && results.size >= max) results.delete(oldest)
    results.set(key, made)
    return made
  }
}
