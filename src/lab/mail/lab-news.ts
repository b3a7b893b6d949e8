import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { personalities } from '../../core/personality/index.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import type { Clock } from '../../core/time/clock.ts'
import { type MessageStore, StoreError } from '../../storage/store/types.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { controlFolder } from '../../transport/news/control.ts'
import { type Feed, Feeds, type FeedsOptions, type ServerFeed } from '../../transport/news/feeds/feeds.ts'
import { NewsService } from '../../transport/news/news-service.ts'
import { ensureNewsgroups } from '../../transport/news/newsgroups.ts'
import type { NewsMail } from '../../transport/news/types.ts'
import { rootsOf } from '../certificates/roots.ts'

interface LabNewsOptions {
  readonly store: MessageStore
  readonly certificates: CertificateStore
  readonly sessions: SessionLog
  readonly clock: Clock
  readonly log: Logger
  readonly mail: (mail: NewsMail) => Promise<void>
  readonly onFeedRound: FeedsOptions['onRound']
}

/** The news side of a running lab: its news service, its newsgroups and the feeds that it starts. */
export class LabNews implements AsyncDisposable {
  readonly newsService: NewsService
  readonly #options: LabNewsOptions
  readonly #feeds: Feeds
  #wanted: readonly ServerFeed[] = []
  /** While this node runs the feeds. */
  #isLeading = false

  constructor(config: ResolvedLab, options: LabNewsOptions) {
    const { hostname, control } = config
    this.#options = options
    this.newsService = new NewsService({ ...options, hostname, control })
    this.#feeds = new Feeds({
      news: this.newsService,
      onRound: options.onFeedRound,
      roots: (authority) => rootsOf(options.certificates, authority),
      record: (virtualServer, remote, socket) =>
        options.sessions.open({
          direction: 'out',
          virtualServer,
          protocol: 'nntp',
          remoteAddress: remote.address,
          remotePort: remote.port,
          localAddress: socket.localAddress ?? '',
          localPort: socket.localPort ?? 0,
        }),
    })
  }

  /** Creates the configured newsgroups. Runs before the ports open. */
  async prepare({ hostname, newsgroups, control, controlSenders, virtualServers }: ResolvedLab): Promise<void> {
    this.newsService.hostname = hostname
    this.newsService.control = control
    this.newsService.controlSenders = controlSenders
    this.newsService.addresses = new Map(
      newsgroups.flatMap(({ name, addresses }) => addresses.map((address) => [address.toLowerCase(), name] as const)),
    )
    const { store, clock, log } = this.#options
    try {
      await ensureNewsgroups(store, newsgroups, clock)
      for (const kind of controlGroups(virtualServers)) await controlFolder(this.newsService, { kind, args: [] })
    } catch (err) {
      // A full or read-only store still serves the newsgroups that it has.
      if (!(err instanceof StoreError && (err.code === 'no-space' || err.code === 'read-only'))) throw err
      log.error({ err }, 'cannot create or update all configured newsgroups')
    }
  }

  /** Uses the feeds of a configuration. If this node runs the feeds, starts and stops them. */
  async feed({ virtualServers }: ResolvedLab): Promise<void> {
    this.#wanted = virtualServers
      .filter(({ protocol }) => protocol === 'nntp')
      .flatMap(({ name, feeds, limits }) =>
        feeds.map((feed) => ({ virtualServer: name, feed, maxArticleOctets: limits.messageSize })),
      )
    if (this.#isLeading) await this.#feeds.apply(this.#wanted)
  }

  /** Runs the feeds until `signal` is aborted. Resolves when all have stopped. */
  async lead(signal: AbortSignal): Promise<void> {
    this.#isLeading = true
    try {
      await this.#feeds.apply(this.#wanted)
      await untilAborted(signal)
    } finally {
      this.#isLeading = false
      await this.#feeds.apply([])
    }
  }

  /** Returns the feeds, also those that only peers start. */
  feeds(): readonly Feed[] {
    return this.#feeds.list()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feeds[Symbol.asyncDispose]()
  }
}

/** Returns the kinds of control messages that have a group from the start, as with the servers whose words are used. */
const controlGroups = (virtualServers: ResolvedLab['virtualServers']): readonly string[] =>
  virtualServers
    .filter(({ protocol }) => protocol === 'nntp')
    .flatMap(({ personality }) => personalities[personality].nntp?.controlGroups ?? [])
