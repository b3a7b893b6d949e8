import type { OctetString } from '../mail/types.ts'

/** The peer that an article came from. */
export interface PathSource {
  /** The address it connected from. */
  readonly address: string
  /** Its path identity, if known. */
  readonly identity?: string
}

/** Yields the entries of a Path, latest first, without the tail entry, which names no site. RFC 5536 section 3.1.5. */
function* pathIdentities(path: OctetString): Generator<string, void, void> {
  let from = 0
  for (let bang = path.indexOf('!'); bang !== -1; bang = path.indexOf('!', from)) {
    const entry = path.slice(from, bang).replace(/[ \t]/g, '')
    from = bang + 1
    if (entry !== '') yield entry
  }
}

/** Returns whether some entry matches. Stops at the first one. */
function someIdentity(path: OctetString, matches: (entry: string) => boolean): boolean {
  for (const entry of pathIdentities(path)) if (matches(entry)) return true
  return false
}

/** Returns whether the article has passed this site. Host names are case-insensitive. RFC 5537 section 3.6. */
export function hasPassed(path: OctetString, identity: string): boolean {
  const wanted = identity.toLowerCase()
  if (!path.toLowerCase().includes(wanted)) return false
  return someIdentity(path, (entry) => entry.toLowerCase() === wanted)
}

/** Returns whether an injecting agent has added `.POSTED`, with or without a host. RFC 5536 section 3.1.5. */
export const wasPosted = (path: OctetString): boolean => someIdentity(path, (entry) => /^\.POSTED(\.|$)/i.test(entry))

/** Returns the Path of an article injected here. RFC 5537 section 3.2.2. */
export function injectedPath(identity: string, posterHost: string, posted: OctetString | undefined): OctetString {
  return `${identity}!.POSTED.${posterHost}!${posted ?? 'not-for-mail'}`
}

/** Returns the Path of an article relayed here. RFC 5537 section 3.2.1. */
export function relayedPath(identity: string, source: PathSource, path: OctetString): OctetString {
  const [latest] = pathIdentities(path)
  if (source.identity === undefined) return `${identity}!.SEEN.${source.address}!${path}`
  // `!!` means that the next entry was verified.
  if (latest?.toLowerCase() === source.identity.toLowerCase()) return `${identity}!!${path}`
  return `${identity}!.MISMATCH.${source.identity}!${path}`
}
