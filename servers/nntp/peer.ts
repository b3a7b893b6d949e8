import type { FeedConfig } from '../../src/config/schema.ts'
import type { Account } from '../../src/directory/types.ts'
import { parseWildmat, type Wildmat } from '../../src/news/wildmat.ts'

/** The peer of an inbound feed, as a session knows it. */
export interface Peer {
  /** What it calls itself in Path. */
  readonly identity: string
  readonly groups: Wildmat
}

const takesFrom = ({ direction }: FeedConfig): boolean => direction === 'in' || direction === 'both'

const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '').toLowerCase()

/** The inbound feed whose peer a client is: it comes from its address, and is logged on as its account, as far as both are set. */
export function peerOf(feeds: readonly FeedConfig[], address: string, account: Account | undefined): Peer | undefined {
  const ofClient = feeds.filter(
    (feed) =>
      takesFrom(feed) &&
      (feed.account === undefined || feed.account === account?.user) &&
      (feed.addresses.length === 0 || feed.addresses.map(plainAddress).includes(plainAddress(address))),
  )
  // Several peers may share an address: who logs on as a peer's account is that one.
  const feed = ofClient.find((candidate) => candidate.account !== undefined) ?? ofClient[0]
  const groups = feed && parseWildmat(feed.groups)
  return groups && { identity: feed.peer, groups }
}

/** Whether a client could become a peer by logging on. */
export const logonMakesPeer = (feeds: readonly FeedConfig[]): boolean =>
  feeds.some((feed) => takesFrom(feed) && feed.account !== undefined)
