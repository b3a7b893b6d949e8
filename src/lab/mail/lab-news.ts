import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { personalities } from '../../core/personality/index.ts'
import type { SessionLog } from '../../core/sessions/log.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import type { Clock } from '../../core/time/clock.ts'
import { StoreError } from '../../storage/store/errors.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import { rootsOf } from '../../tls/pki/authority/exported-roots.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { deliverLocalMail } from '../../transport/delivery/local-mail.ts'
import type { DeliveryServices } from '../../transport/delivery/types.ts'
import { controlFolder } from '../../transport/news/control.ts'
import { type Feed, Feeds, type ServerFeed } from '../../transport/news/feeds/feeds.ts'
import { NewsService } from '../../transport/news/news-service.ts'
import { ensureNewsgroups } from '../../transport/news/newsgroups.ts'
import type { NewsMail } from '../../transport/news/types.ts'
import type { ChangeFeed } from '../change-feed.ts'

/** The parts of a lab that its news service needs. */
interface NewsServices {
  readonly config: ResolvedLab
  readonly store: MessageStore
  readonly certificateStore: CertificateStore
  readonly sessionLog: SessionLog
  readonly clock: Clock
  readonly log: Logger
  /** Delivers articles to moderators. */
  readonly services: DeliveryServices
  readonly changes: ChangeFeed
}

/** The news side of a running lab: its news service, its newsgroups and the feeds that it starts. */
export class LabNews implements AsyncDisposable {
  readonly service: NewsService
  readonly #lab: NewsServices
  readonly #feeds: Feeds
  #wanted: readonly ServerFeed[] = []
  /** While this node runs the feeds. */
  #isLeading = false

  constructor(lab: NewsServices) {
    const { store, clock, log, certificateStore, sessionLog, changes, config } = lab
    const { hostname, news } = config
    this.#lab = lab
    this.service = new NewsService({
      store,
      clock,
      log,
      mail: (mail) => this.#mail(mail),
      hostname,
      control: news.control,
    })
    this.#feeds = new Feeds({
      news: this.service,
      onRound: ({ virtualServer, config: { peer, direction } }, { state }) =>
        changes.report({ type: 'feed', virtualServer, peer, direction, state }),
      roots: (authority) => rootsOf(certificateStore, authority),
      record: (virtualServer, remote, socket) =>
        sessionLog.open({
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
  async prepare({ hostname, news, virtualServers }: ResolvedLab): Promise<void> {
    this.service.hostname = hostname
    this.service.control = news.control
    this.service.controlSenders = news.senders
    this.service.addresses = new Map(
      news.groups.flatMap(({ name, addresses }) => addresses.map((address) => [address.toLowerCase(), name] as const)),
    )
    const { store, clock, log } = this.#lab
    try {
      await ensureNewsgroups(store, news.groups, clock)
      for (const kind of controlGroups(virtualServers)) await controlFolder(this.service, { kind, args: [] })
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

  async #mail({ from, to, raw }: NewsMail): Promise<void> {
    const { services, clock, log } = this.#lab
    // Without newsgroups: an article for a moderator must not be posted again.
    await deliverLocalMail({ services: { ...services, news: undefined }, clock, log }, { from, to: [to], raw })
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
