import type { OctetString } from '../mail/types.ts'

/** Who an article came from: what the peer should call itself, and where it connected from. */
export interface PathSource {
  readonly address: string
  /** The peer's path identity, where it is known. */
  readonly identity?: string
}

/** The entries of a Path, latest first, the tail entry left out: it is no site. RFC 5536 section 3.1.5. */
function* pathIdentities(path: OctetString): Generator<string, void, void> {
  let from = 0
  for (let bang = path.indexOf('!'); bang !== -1; bang = path.indexOf('!', from)) {
    const entry = path.slice(from, bang).replace(/[ \t]/g, '')
    from = bang + 1
    if (entry !== '') yield entry
  }
}

/** Whether one of the entries is what is looked for; those behind it are not looked at. */
function someIdentity(path: OctetString, isWanted: (entry: string) => boolean): boolean {
  for (const entry of pathIdentities(path)) if (isWanted(entry)) return true
  return false
}

/** Whether the article has been at this site. Names of hosts know no case. RFC 5537 section 3.6. */
export function hasPassed(path: OctetString, identity: string): boolean {
  const wanted = identity.toLowerCase()
  if (!path.toLowerCase().includes(wanted)) return false
  return someIdentity(path, (entry) => entry.toLowerCase() === wanted)
}

/** Whether an injecting agent has had it. RFC 5536 section 3.1.5: `.POSTED`, with or without its host. */
export const wasPosted = (path: OctetString): boolean => someIdentity(path, (entry) => /^\.POSTED(\.|$)/i.test(entry))

/** The Path of an article injected here. RFC 5537 section 3.2.2. */
export function injectedPath(identity: string, posterHost: string, posted: OctetString | undefined): OctetString {
  return `${identity}!.POSTED.${posterHost}!${posted ?? 'not-for-mail'}`
}

/** The Path of an article relayed here. RFC 5537 section 3.2.1. */
export function relayedPath(identity: string, source: PathSource, path: OctetString): OctetString {
  const [latest] = pathIdentities(path)
  if (source.identity === undefined) return `${identity}!.SEEN.${source.address}!${path}`
  // `!!` says that the entry behind it was verified.
  if (latest?.toLowerCase() === source.identity.toLowerCase()) return `${identity}!!${path}`
  return `${identity}!.MISMATCH.${source.identity}!${path}`
}
