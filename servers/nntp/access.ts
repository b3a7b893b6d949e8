import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { TenantScope, Tenants } from '../../src/accounts/directory/tenants.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { FeedConfig, VirtualServerConfig } from '../../src/core/config/schema.ts'
import { addressListOf } from '../../src/core/network/address-list.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import { isVisibleTo } from '../../src/storage/store/visible.ts'
import type { PosterRights } from '../../src/transport/news/inject.ts'
import { parseWildmat, type Wildmat } from '../../src/transport/news/wildmat.ts'

/** The rights of clients that have not logged on. */
type ServerAccess = VirtualServerConfig['access']

/** The rights of one client to read and post, on the whole server and in each group. */
export class GroupAccess implements PosterRights {
  readonly #account: Account | undefined
  readonly #isLoggedOn: boolean
  readonly #server: ServerAccess
  readonly #tenant: TenantScope | undefined

  constructor(server: ServerAccess, policy: LogonPolicy, account: Account | undefined, tenants: Tenants) {
    this.#account = account
    this.#tenant = account && tenants.scopeOf(account.user)
    this.#isLoggedOn = account !== undefined
    this.#server = policy.anonymous ? server : 'authenticated'
  }

  /** Whether the client may read any group. */
  get canRead(): boolean {
    return this.#isLoggedOn || this.#server !== 'authenticated'
  }

  /** Whether the client may post to any group. */
  get canPost(): boolean {
    return this.#isLoggedOn || this.#server === 'anonymous'
  }

  /** Whether the group exists for the client. If it does not, a log-on as the same account does not help. */
  readonly sees = (group: Folder): boolean => isVisibleTo(group, this.#account?.user, this.#tenant)

  canReadGroup(group: Folder): boolean {
    return this.canRead && this.sees(group) && (this.#isLoggedOn || group.newsgroup?.access !== 'authenticated')
  }

  readonly canPostTo = (group: Folder): boolean =>
    this.canPost && this.sees(group) && (this.#isLoggedOn || group.newsgroup?.access === undefined)
}

/** The peer of an inbound feed. */
export interface FeedPeer {
  /** Its name in Path. */
  readonly identity: string
  readonly groups: Wildmat
}

const isInbound = ({ direction }: FeedConfig): boolean => direction === 'in' || direction === 'both'

/** Returns the peer of the feed that a client belongs to. The client must match the addresses and the account, if the feed names them. */
export function peerOf(
  feeds: readonly FeedConfig[],
  address: string,
  account: Account | undefined,
): FeedPeer | undefined {
  const matching = feeds.filter(
    (feed) =>
      isInbound(feed) &&
      (feed.account === undefined || feed.account === account?.user) &&
      (addressListOf(feed.from)?.has(address) ?? true),
  )
  // Several peers may share an address. A feed that names the account is more specific.
  const feed = matching.find((candidate) => candidate.account !== undefined) ?? matching[0]
  const groups = feed && parseWildmat(feed.groups)
  return groups && { identity: feed.peer, groups }
}

/** Returns whether a client could become a peer by logging on. */
export const logonMakesPeer = (feeds: readonly FeedConfig[]): boolean =>
  feeds.some((feed) => isInbound(feed) && feed.account !== undefined)
