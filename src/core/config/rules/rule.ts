import type { Mistake, Path } from '../mistakes.ts'
import type { LabConfig, VirtualServerConfig } from '../schema.ts'

/** Finds values that are valid alone and wrong together. */
export type Rule = (config: LabConfig) => Iterable<Mistake>

/** Creates a rule that checks each virtual server. */
export const eachServer = (
  find: (server: VirtualServerConfig, at: Path, config: LabConfig) => Iterable<Mistake>,
): Rule =>
  function* (config) {
    for (const [index, server] of config.virtualServers.entries())
      yield* find(server, ['virtualServers', index], config)
  }

interface Entry {
  readonly text: string
  readonly path: Path
  /** Duplicates of the same owner are not reported: another rule reports them. */
  readonly owner?: string
}

/** Finds entries with the same text, regardless of case. */
export function* findRepeated(entries: readonly Entry[]): Iterable<Mistake> {
  const seen = new Map<string, Entry>()
  for (const entry of entries) {
    const key = entry.text.toLowerCase()
    const first = seen.get(key)
    if (first === undefined) seen.set(key, entry)
    else if (entry.owner === undefined || entry.owner !== first.owner) {
      yield { path: entry.path, message: `${entry.text} is listed twice; remove one` }
    }
  }
}

/** Returns a check of names that must be accounts. An open directory has every account. */
export function accountCheck({ mode, accounts }: LabConfig['directory']): (name: string, path: Path) => Mistake[] {
  const known = new Set(accounts.map(({ user }) => user.toLowerCase()))
  return (name, path) =>
    mode === 'open' || known.has(name.toLowerCase())
      ? []
      : [{ path, message: `${name} is not one of directory.accounts; add the account` }]
}
