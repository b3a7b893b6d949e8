import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')

/**
 * Returns the path of a client that `scripts/fetch-clients.mjs` has downloaded. Without it: undefined, or an error in CI.
 * @param path its folder, version and program, such as `newsie-1.2.1/dist/index.js`
 */
export function fetchedClient(path: string): string | undefined {
  const program = join(cache, path)
  if (existsSync(program)) return program
  const missing = `missing: ${path} (node scripts/fetch-clients.mjs)`
  if (process.env.SEALPOST_CI === '1') throw new Error(missing)
  console.warn(`skipped, ${missing}`)
  return undefined
}
