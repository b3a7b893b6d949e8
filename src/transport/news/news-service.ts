import type { Logger } from 'pino'
import type { Clock } from '../../core/time/clock.ts'
import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import type { Folder } from '../../storage/store/folder.ts'
import { PUBLIC_OWNER } from '../../storage/store/folder.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { inject, injectMail, type Posted, type Poster } from './inject.ts'
import { Claims, type Relayed, relay, type Source } from './relay.ts'
import type { ControlKind, ControlSender, NewsContext, NewsMail } from './types.ts'

interface NewsServiceOptions {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  readonly hostname: string
  /** Delivers a mail. Resolves once it is delivered. */
  readonly mail: (mail: NewsMail) => Promise<void>
  /** The control messages to act on; others are only stored and relayed. Default: cancel. */
  readonly control?: readonly ControlKind[]
}

/** The answer to an offered article. `coming`: another peer is sending it now. */
type Wanted = 'wanted' | 'known' | 'coming'

/**
 * The news side of a lab, shared by all its virtual servers. Articles that arrive by POST, from peers, by mail or by IMAP
 * are stored by the same rules. RFC 5537.
 */
export class NewsService implements NewsContext {
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  hostname: string
  control: readonly ControlKind[]
  controlSenders: readonly ControlSender[] = []
  readonly mail: (mail: NewsMail) => Promise<void>
  readonly claims: Claims
  /** Newsgroup names by the mail addresses (lower case) that post to them. Changes on reload. */
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

  async group(name: string): Promise<Folder | undefined> {
    const folder = await this.store.findFolder(PUBLIC_OWNER, name)
    return folder?.newsgroup ? folder : undefined
  }

  groupsNamed(names: readonly string[]): Folder[] | Promise<Folder[]> {
    const [name, ...others] = names
    const only = name === undefined || others.length > 0 ? undefined : this.store.folderNamed(PUBLIC_OWNER, name)
    return only?.newsgroup ? [only] : this.#groupsNamed(names)
  }

  async #groupsNamed(names: readonly string[]): Promise<Folder[]> {
    const found: Folder[] = []
    for (const name of names) {
      if (isSliceOver()) await nextSlice()
      const folder = await this.store.findFolder(PUBLIC_OWNER, name)
      if (folder?.newsgroup) found.push(folder)
    }
    return found
  }

  /** Returns every newsgroup, ordered by name. */
  async groups(): Promise<readonly Folder[]> {
    return (await this.store.listFolders(PUBLIC_OWNER)).filter((folder) => folder.newsgroup !== undefined)
  }

  /** Returns the newsgroup that mail to this address is posted to. */
  groupOf(address: string): string | undefined {
    return this.addresses.size > 0 ? this.addresses.get(address.toLowerCase()) : undefined
  }

  /** Posts a mail to newsgroups. @throws ArticleRefused */
  postMail(groups: readonly string[], mail: Buffer, poster: Poster): Promise<Posted> {
    return injectMail(this, groups, mail, poster)
  }

  /** Acts as injecting agent: accepts a poster's article. @throws ArticleRefused, StoreError */
  post(raw: Buffer, poster: Poster): Promise<Posted> {
    return inject(this, raw, poster)
  }

  /** Acts as relaying agent: accepts an article from a peer. Rejects with ArticleRefused. */
  relay(raw: Buffer, source: Source): Promise<Relayed> {
    return relay(this, raw, source)
  }

  /** Decides about an offer. Claims a wanted article for `holder` (a session) until it arrives. RFC 4644 section 2.4. */
  async wants(messageId: string, holder: object): Promise<Wanted> {
    if (await this.store.knows(messageId)) return 'known'
    return this.claims.take(messageId, holder) ? 'wanted' : 'coming'
  }
}
