import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import { TimeSlice } from '../common/time-slice.ts'
import type { Folder, MessageStore } from '../store/types.ts'
import { PUBLIC_OWNER } from '../store/types.ts'
import { Claims } from './claims.ts'
import type { ControlKind } from './control.ts'
import { inject, type Posted, type Poster } from './inject.ts'
import { postMail } from './mail-to-news.ts'
import { type Relayed, relay, type Source } from './relay.ts'

/** A mail that the newsService sends: an article for its moderator. */
export interface NewsMail {
  readonly from: string
  readonly to: string
  readonly raw: Buffer
}

export interface NewsServiceOptions {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  readonly hostname: string
  /** Delivers a mail. Resolves once it is delivered. */
  readonly mail: (mail: NewsMail) => Promise<void>
  /** The control messages that are acted on; the others are filed and relayed only. Default: cancel. */
  readonly control?: readonly ControlKind[]
}

/** Whether an article that is offered is wanted: `coming` means that another peer is sending it right now. */
export type Wanted = 'wanted' | 'known' | 'coming'

/**
 * The news side of a lab, one for all its virtual servers: articles come in by POST, from peers, by mail and by IMAP, and
 * are all stored by the same rules. RFC 5537.
 */
export class NewsService {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  /** The path identity of this site, and the right side of the Message-IDs made here. RFC 5537 section 3.2. Set anew on reload. */
  hostname: string
  readonly mail: (mail: NewsMail) => Promise<void>
  /** What peers were asked to send. */
  readonly claims: Claims
  /** What is being stored at this moment. */
  readonly filing = new Map<string, Promise<unknown>>()
  /** Set anew on reload. */
  control: readonly ControlKind[]
  /** Names of newsgroups by the mail addresses (lower case) that post to them. Set anew on reload. */
  addresses: ReadonlyMap<string, string> = new Map()

  constructor(options: NewsServiceOptions) {
    this.store = options.store
    this.clock = options.clock
    this.log = options.log
    this.hostname = options.hostname
    this.mail = options.mail
    this.control = options.control ?? ['cancel']
    this.claims = new Claims(options.clock)
  }

  /** The folder of a newsgroup. */
  async group(name: string): Promise<Folder | undefined> {
    const folder = await this.store.findFolder(PUBLIC_OWNER, name)
    return folder?.newsgroup ? folder : undefined
  }

  /** The folders of these newsgroups, as far as they are here. */
  async groupsNamed(names: readonly string[]): Promise<Folder[]> {
    const found: Folder[] = []
    const timeSlice = new TimeSlice()
    for (const name of names) {
      if (timeSlice.isOver()) await timeSlice.yield()
      const folder = await this.store.findFolder(PUBLIC_OWNER, name)
      if (folder?.newsgroup) found.push(folder)
    }
    return found
  }

  /** Every newsgroup, in name order. */
  async groups(): Promise<readonly Folder[]> {
    return (await this.store.listFolders(PUBLIC_OWNER)).filter((folder) => folder.newsgroup !== undefined)
  }

  /** The newsgroup that mail to an address is posted to. */
  groupOf(address: string): string | undefined {
    return this.addresses.get(address.toLowerCase())
  }

  /** Posts a mail to newsgroups. @throws ArticleRefused */
  postMail(groups: readonly string[], mail: Buffer, poster: Poster): Promise<Posted> {
    return postMail(this, groups, mail, poster)
  }

  /** The injecting agent: takes a poster's article. @throws ArticleRefused */
  post(raw: Buffer, poster: Poster): Promise<Posted> {
    return inject(this, raw, poster)
  }

  /** The relaying agent: takes an article from a peer. @throws ArticleRefused */
  relay(raw: Buffer, source: Source): Promise<Relayed> {
    return relay(this, raw, source)
  }

  /** Answers an offer, and keeps a wanted article for `holder` (a session) until it comes. RFC 4644 section 2.4. */
  async wants(messageId: string, holder: object): Promise<Wanted> {
    if (await this.store.knows(messageId)) return 'known'
    return this.claims.take(messageId, holder) ? 'wanted' : 'coming'
  }
}
