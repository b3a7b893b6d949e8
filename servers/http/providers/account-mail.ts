import { operationNamed } from '../../../src/api/invoke.ts'
import { isWritten, parseAddresses } from '../../../src/mail/format/addresses.ts'
import { headerFields, headerValues } from '../../../src/mail/format/headers.ts'
import { accountOfToken } from '../access-tokens.ts'
import { TOOL_CALLER } from '../caller.ts'
import { type Credential, type ProviderCall, ProviderError } from './types.ts'

/** Returns the access token in a request, with its account. @throws ProviderError `bad-key`, with the code `scope` for a token of another scope */
export async function accessTokenIn({ c, context }: Omit<ProviderCall, 'key'>): Promise<Credential> {
  const [, token = ''] = /^bearer\s+(\S+)$/i.exec(c.req.header('Authorization') ?? '') ?? []
  const account = await accountOfToken(token, context)
  if (account && 'user' in account) return { shown: token, matches: () => true, account }
  const problem = account?.why ?? 'the request has no access token of this lab'
  throw new ProviderError('bad-key', problem, 'user', account?.isForbidden ? 'scope' : undefined)
}

/** Returns the account of a request, which its path names by `me` or by an address. @throws ProviderError `unverified-sender` with the code `other` or `unknown` */
export function accountIn({ account, params: { user = 'me' }, api, tenant }: ProviderCall): {
  user: string
  address: string
} {
  if (!account) throw new ProviderError('bad-key', 'the request has no access token')
  const named = user === 'me' ? account : api.lab.directory.findByAddress(user.replaceAll(/%40/g, '@'))
  if (named?.user !== account.user)
    throw new ProviderError('unverified-sender', user, 'user', named ? 'other' : 'unknown')
  if (tenant?.ownsAccount(account.user) === false) throw new ProviderError('unverified-sender', user, 'user', 'other')
  return { user: account.user, address: `${account.user}@${api.lab.config.domain}` }
}

/** Checks that an address belongs to an account. @throws ProviderError `unverified-sender` */
export function assertOwn({ api, account }: ProviderCall, address: string): void {
  if (api.lab.directory.findByAddress(address)?.user !== account?.user)
    throw new ProviderError('unverified-sender', address)
}

/** Returns the sender and the recipients in the header of a message. Groups such as `undisclosed-recipients:;` name none. */
export function addressesIn(raw: Buffer): { readonly from: string | undefined; readonly recipients: string[] } {
  const fields = headerFields(raw)
  const of = (name: string): string[] =>
    headerValues(raw, fields, name)
      .flatMap(parseAddresses)
      .filter(isWritten)
      .map(({ mailbox, host }) => Buffer.from(`${mailbox}@${host}`, 'latin1').toString('utf8'))
  return { from: of('from')[0], recipients: ['to', 'cc', 'bcc'].flatMap(of) }
}

/** Saves a copy of a message in the mailbox Sent of an account. */
export async function saveSent({ api, c }: ProviderCall, account: string, octets: Buffer): Promise<void> {
  await operationNamed('messages.import').run({
    api,
    caller: TOOL_CALLER,
    input: { from: '', account, folder: 'Sent', quoting: 'mboxrd' },
    signal: c.req.raw.signal,
    upload: { type: 'message/rfc822', octets },
  })
}
