import { createHmac, randomBytes } from 'node:crypto'
import { isSameSecret } from '../../../src/accounts/directory/secrets.ts'
import { accountOwner, type Folder, type Owner } from '../../../src/storage/store/folder.ts'
import type { ValueSpace } from '../../../src/storage/store/value-types.ts'
import { isAdministrator } from '../access.ts'
import type { Identity, ImapSession } from '../state.ts'
import type { ImapUrl, UrlAuthorization } from './imap-url.ts'
import { type UrlTarget, urlFolder, urlTarget } from './url-content.ts'

/** The only mechanism: a token that this server verifies itself. RFC 4467 section 3. */
export const MECHANISM = 'INTERNAL'
/** The first octet of a token names its algorithm. RFC 4467 section 9. */
const ALGORITHM = '01'
const KEY_OCTETS = 32

/** Where the access key of a mailbox is: each account has its own. RFC 4467 section 2. */
const keySpace = (folder: Folder, reader: Owner): ValueSpace => ({ folderId: folder.id, kind: 'urlauth', reader })

/** Returns a URL with its token. Creates the mailbox's access key if it has none. */
export async function authorizedUrl(
  { context: { store } }: ImapSession,
  { owner }: Identity,
  folder: Folder,
  { rump }: UrlAuthorization,
): Promise<string> {
  const fresh = randomBytes(KEY_OCTETS)
  let key: Buffer = fresh
  await store.changeValues(keySpace(folder, owner), (current) => {
    const known = current.get(MECHANISM)
    key = known ?? fresh
    return new Map(known ? [] : [[MECHANISM, fresh]])
  })
  return `${rump}:internal:${tokenOf(key, rump)}`
}

/** Deletes the access key of a mailbox, so that its URLs are no longer authorized. RFC 4467 section 7, RESETKEY. */
export async function resetKey(
  { context: { store } }: ImapSession,
  { owner }: Identity,
  folder: Folder,
): Promise<void> {
  await store.changeValues(
    keySpace(folder, owner),
    (current) => new Map([...current.keys()].map((name) => [name, undefined])),
  )
}

const tokenOf = (key: Buffer, rump: string): string =>
  ALGORITHM + createHmac('sha256', key).update(rump, 'latin1').digest('hex')

/** Returns what an authorized URL names; undefined if the URL is not authorized for this session, or names nothing. */
export async function authorizedTarget(session: ImapSession, url: ImapUrl): Promise<UrlTarget | undefined> {
  const { context } = session
  const { server, authorization, expireAt } = url
  const { mechanism, token, access, rump } = authorization ?? {}
  if (!server || !isThisServer(session, server.host) || mechanism?.toUpperCase() !== MECHANISM) return undefined
  if (token === undefined || access === undefined || rump === undefined || !isAllowed(session, access)) return undefined
  if (expireAt !== undefined && expireAt <= context.clock.now()) return undefined
  const account = server.user === undefined ? undefined : context.directory.find(server.user)
  if (!account) return undefined
  const identity: Identity = { account, owner: accountOwner(account.user) }
  const folder = await urlFolder(session, identity, url)
  const key = folder && (await context.store.values(keySpace(folder, identity.owner))).get(MECHANISM)
  if (!key || !isSameSecret(tokenOf(key, rump), token.toLowerCase())) return undefined
  return urlTarget(session, identity, url)
}

/** Returns whether an access identifier has one of the known forms. RFC 4467 section 3. */
export const isAccess = (access: string): boolean => /^(?:anonymous|authuser|(?:user|submit)\+.+)$/i.test(access)

/** Returns whether the session is one that an access identifier names. RFC 4467 section 3. */
function isAllowed(session: ImapSession, access: string): boolean {
  const { state, context } = session
  if (!('identity' in state)) return false
  const { account } = state.identity
  const [kind = '', name = ''] = access.split(/\+(.*)/s)
  switch (kind.toLowerCase()) {
    case 'anonymous':
    case 'authuser':
      return true
    case 'user':
      return context.directory.isSame(context.directory.find(name), account)
    case 'submit':
      // A submission server logs on as an administrator and acts for the user. RFC 4467 section 3
      return isAdministrator(session, state.identity)
    default:
      return false
  }
}

/** Returns whether a host is this server: a name or mail domain of the lab, or the address that the client uses. */
export function isThisServer({ connection, context }: ImapSession, host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  const known = [...context.labNames, context.hostname, 'localhost', connection.local.address]
  return known.some((one) => one.toLowerCase() === name) || context.directory.isLocalDomain(name)
}
