import { join } from 'node:path'
import type { LikeTool } from '../../core/config/schema/like.ts'
import type { VirtualServerInput } from '../../core/config/schema.ts'
import { userDataFolder } from '../shared/user-folders.ts'
import type { Draft } from './tool.ts'

/** Returns the folder for the certificates of labs without a configuration file: the root certificate stays the same. */
const certificatesFolder = (): string => join(userDataFolder(), 'sealpost/like/certs')

/** Returns a lab that captures mail for every recipient, with the given ports in clear text. */
export function draftConfiguration(
  tool: LikeTool,
  servers: Readonly<Record<string, VirtualServerInput & { readonly name: string }>>,
): Draft {
  return {
    lab: {
      // No recipient is one of the lab, so that all mail is captured. RFC 2606 section 2
      domain: `${tool}.invalid`,
      certificates: certificatesFolder(),
      store: { memory: 'auto', whenFull: 'drop-oldest' },
      directory: { unknown: 'capture', accounts: [] },
      // One mailbox, as the tool has it.
      mail: { captured: { folder: 'all' } },
      outgoing: {},
      access: {},
      testing: {},
    },
    servers: new Map(
      Object.entries(servers).map(([key, server]): [string, VirtualServerInput] => [
        key,
        // Clients that are offered STARTTLS use it, and most do not know the root of the lab.
        {
          address: '127.0.0.1',
          tlsPort: 'off',
          certificate: 'none',
          ...server,
          // The tools answer a wrong password without a delay.
          limits: { failedLogonDelay: 'off', ...server.limits },
        },
      ]),
    ),
    notes: [],
  }
}

/** Returns a virtual server of a draft. */
export function serverOf({ servers }: Draft, key: string): VirtualServerInput {
  const server = servers.get(key)
  if (!server) throw new Error(`there is no virtual server ${key}`)
  return server
}

/** Returns the long form of the key `like` of a draft's HTTP virtual server. */
export function likeIn(draft: Draft): Exclude<NonNullable<VirtualServerInput['like']>, string> {
  const { like } = serverOf(draft, 'http')
  if (typeof like !== 'object') throw new Error('the HTTP virtual server does not name the tool')
  return like
}

/** Returns the accounts of a draft, to which settings add. */
export function accountsOf({ lab }: Draft): NonNullable<NonNullable<Draft['lab']['directory']>['accounts']> {
  lab.directory ??= {}
  lab.directory.accounts ??= []
  return lab.directory.accounts
}

/** Stores the mail of a draft on disk, with the limits that are set. */
export function storeIn({ lab }: Draft, folder: string): void {
  const { messages, whenFull } = limitsOf(lab)
  lab.store = { lmdb: folder, whenFull, ...(messages === undefined ? {} : { messages }) }
}

/** Limits the number of messages in a draft. Each new one replaces the oldest. */
export function keepNewest({ lab }: Draft, messages: number): void {
  lab.store = { ...limitsOf(lab), messages }
}

function limitsOf({ store }: Draft['lab']): Exclude<NonNullable<Draft['lab']['store']>, string> {
  return typeof store === 'object' ? store : { memory: 'auto' }
}
