/** The attributes of a newsgroup. */
export interface NewsgroupAttributes {
  readonly description: string
  readonly posting: 'yes' | 'no' | 'moderated'
  readonly moderator?: string
  /** Milliseconds since the epoch. LIST ACTIVE.TIMES, NEWGROUPS. */
  readonly createdAt: number
  readonly createdBy: string
  /** The rights of clients that have not logged on. Default: the virtual server's setting. */
  readonly access?: 'anonymous-read' | 'authenticated'
  /** Mail to one of these addresses is posted as an article. */
  readonly addresses?: readonly string[]
  /** Articles older than this are deleted. */
  readonly expireAfterMs?: number
  /** Number of articles to keep. Older ones are deleted. */
  readonly keepLatest?: number
  /** The only accounts that see the group: those whose names begin with this. Clients without a log-on see it, too. */
  readonly onlyAccounts?: string
  /** Articles are mailed to these addresses. */
  readonly gateway?: readonly string[]
  /** The treatment of articles from peers. Default: they are filed. RFC 6048 section 3.1: status x, j. */
  readonly peers?: 'refuse' | 'discard'
  /** The group in which articles from peers are filed instead. RFC 6048 section 3.1: status =other.group. */
  readonly aliasOf?: string
  /** Whether the group is suggested to new readers: LIST SUBSCRIPTIONS (RFC 6048 section 2.6). */
  readonly suggested?: boolean
}
