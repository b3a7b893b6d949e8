import type { OctetString } from '../../mail/format/types.ts'

/** The peer that an article came from. */
export interface PathSource {
  /** The address it connected from. */
  readonly address: string
  /** Its path identity, if known. */
  readonly identity?: string
}

/**
 * Returns the first entry from the left, which is the latest, for which `matches` is true. The tail entry names no site.
 * RFC 5536 section 3.1.5.
 */
function findIdentity(path: OctetString, matches: (entry: string) => boolean): string | undefined {
  let from = 0
  for (let bang = path.indexOf('!'); bang !== -1; bang = path.indexOf('!', from)) {
    const entry = withoutBlanks(path.slice(from, bang))
    from = bang + 1
    if (entry !== '' && matches(entry)) return entry
  }
  return undefined
}

const BLANK = /[ \t]/
const BLANKS = /[ \t]/g

const withoutBlanks = (entry: string): string => (BLANK.test(entry) ? entry.replace(BLANKS, '') : entry)

/** Returns whether the article has passed this site. Host names are case-insensitive. RFC 5537 section 3.6. */
export function hasPassed(path: OctetString, identity: string): boolean {
  const wanted = identity.toLowerCase()
  if (!path.toLowerCase().includes(wanted)) return false
  return findIdentity(path, (entry) => entry.toLowerCase() === wanted) !== undefined
}

/** Returns whether an injecting agent has added `.POSTED`, with or without a host. RFC 5536 section 3.1.5. */
export const wasPosted = (path: OctetString): boolean =>
  findIdentity(path, (entry) => /^\.POSTED(\.|$)/i.test(entry)) !== undefined

/** Returns the Path of an article injected here. RFC 5537 section 3.2.2. */
export function injectedPath(identity: string, posterHost: string, posted: OctetString | undefined): OctetString {
  return `${identity}!.POSTED.${posterHost}!${posted ?? 'not-for-mail'}`
}

/** Returns the Path of an article relayed here. RFC 5537 section 3.2.1. */
export function relayedPath(identity: string, source: PathSource, path: OctetString): OctetString {
  if (source.identity === undefined) return `${identity}!.SEEN.${source.address}!${path}`
  // `!!` means that the next entry was verified.
  const latest = findIdentity(path, () => true)
  if (latest?.toLowerCase() === source.identity.toLowerCase()) return `${identity}!!${path}`
  return `${identity}!.MISMATCH.${source.identity}!${path}`
}
