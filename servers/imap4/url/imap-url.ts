import { withInboxInCapitals } from '../../../src/storage/store/mailboxes.ts'
import type { PartialOctets } from '../wire/fetch-request.ts'

/** The authorization of a URL. RFC 4467 section 3. */
export interface UrlAuthorization {
  /** The users that may use it: `anonymous`, `authuser`, `user+NAME` or `submit+NAME`. */
  readonly access: string
  /** The URL without mechanism and token: what the token signs. */
  readonly rump: string
  readonly mechanism?: string
  readonly token?: string
}

/** A URL that names a message or a part of one. RFC 5092. */
export interface ImapUrl {
  /** Undefined for a relative URL. */
  readonly server?: { readonly user?: string; readonly host: string }
  /** Undefined for the selected mailbox. */
  readonly mailbox?: string
  readonly uidValidity?: number
  readonly uid: number
  /** '' for the whole message. */
  readonly section: string
  readonly range?: PartialOctets
  /** Milliseconds since the epoch. */
  readonly expireAt?: number
  readonly authorization?: UrlAuthorization
}

const SERVER =
  /^imap:\/\/(?:(?<user>[^@;/:]*)(?:;AUTH=[^@/]*)?@)?(?<host>\[[0-9a-f:.]+\]|[^:/@[\]]+)(?::\d{1,5})?(?=\/)/i
/** `/mailbox;UIDVALIDITY=1/;UID=20/;SECTION=1.2/;PARTIAL=0.100;EXPIRE=…;URLAUTH=…`, in parts. RFC 5092 section 11. */
const PATH = new RegExp(
  [
    /^(?:\/(?<mailbox>[^;/][^;]*?)(?:;UIDVALIDITY=(?<uidValidity>\d{1,10}))?)?/,
    /\/?;UID=(?<uid>\d{1,10})/,
    /(?:\/;SECTION=(?<section>[^;/]+))?/,
    /(?:\/;PARTIAL=(?<start>\d{1,15})(?:\.(?<octets>0*[1-9]\d{0,14}))?)?/,
    /(?:;EXPIRE=(?<expire>[0-9T:Z.+-]{20,40}))?/,
    /(?<auth>;URLAUTH=(?<access>[^:;]+)(?::(?<mechanism>[A-Z0-9.-]+):(?<token>[0-9A-F]{32,200}))?)?$/,
  ]
    .map(({ source }) => source)
    .join(''),
  'i',
)
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i

/** Returns the parts of a URL; undefined if it does not have the form of one. */
export function parseImapUrl(url: string): ImapUrl | undefined {
  const server = SERVER.exec(url)
  const { user, host } = server?.groups ?? {}
  const path = PATH.exec(url.slice(server?.[0].length ?? 0))?.groups
  if (!path) return undefined
  const { uidValidity, uid, start, octets, expire } = path
  const mailbox = decodePercent(path.mailbox)
  const section = decodePercent(path.section ?? '')
  const userName = decodePercent(user)
  const expireAt = expire === undefined ? undefined : Date.parse(expire)
  const isInvalid =
    section === undefined ||
    (path.mailbox !== undefined && mailbox === undefined) ||
    (user !== undefined && userName === undefined) ||
    (expire !== undefined && (!DATE_TIME.test(expire) || Number.isNaN(expireAt))) ||
    (expire !== undefined && path.auth === undefined)
  if (isInvalid) return undefined
  return {
    uid: Number(uid),
    section,
    ...(host !== undefined && { server: { host, ...(userName !== undefined && { user: userName }) } }),
    ...(mailbox !== undefined && { mailbox: withInboxInCapitals(mailbox) }),
    ...(uidValidity !== undefined && { uidValidity: Number(uidValidity) }),
    ...(start !== undefined && { range: { start: Number(start), octets: Number(octets ?? Number.POSITIVE_INFINITY) } }),
    ...(expireAt !== undefined && { expireAt }),
    ...(path.access !== undefined && { authorization: authorizationOf(url, path.access, path) }),
  }
}

function authorizationOf(url: string, access: string, { mechanism, token }: Record<string, string | undefined>) {
  const tail = token === undefined ? 0 : `:${mechanism}:${token}`.length
  return {
    access: decodePercent(access) ?? access,
    rump: url.slice(0, url.length - tail),
    ...(mechanism !== undefined && { mechanism }),
    ...(token !== undefined && { token }),
  } satisfies UrlAuthorization
}

/** Decodes percent-encoded UTF-8. Returns undefined if it is not that. */
function decodePercent(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return undefined
  }
}
