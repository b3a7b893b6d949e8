import { RefreshCw, Rss } from 'lucide-preact'
import { Link } from 'wouter-preact'
import { call, type Schemas } from '../../api/client.ts'
import type { EventName } from '../../api/live.ts'
import { problemOf } from '../../api/problem.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Copyable, CopyButton } from '../../components/copy-button.tsx'
import { Fact } from '../../components/fact.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { notifyProblem } from '../../components/toast.tsx'
import { navigate } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { feedPath, groupPath } from './place.ts'

type Feed = Schemas['Feed']

/** Events after which feeds or their queues may differ. */
const CHANGES: readonly EventName[] = ['feed.changed', 'message.received', 'configuration.reloaded', 'lab.reset']

const EXAMPLE = `virtualServers:
  - protocol: nntp
    feeds:
      - peer: news.example.net
        direction: both
        groups: "lab.*"
        host: news.example.net
        tls: implicit`

/** Columns that a phone has no room for. */
const WIDE = ['direction', 'succeeded']

/** Articles of a queue that are shown. */
const SHOWN = 100

/** The exchanges of articles with other servers: their state, the last failure, and what waits. */
export function Feeds({ selected }: { readonly selected: string | undefined }) {
  const { value, problem, again } = useLive(
    async () => (await call('feeds.list', {})).items,
    ({ name }) => CHANGES.includes(name),
  )
  const feed = value?.find(({ id }) => id === selected)
  return (
    <section class="news-page" aria-label={t('news.feeds')}>
      <header>
        <h2>{t('news.feeds')}</h2>
      </header>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : value === undefined ? (
        <Skeleton lines={3} />
      ) : value.length === 0 ? (
        <EmptyState icon={Rss} title={t('news.noFeeds')}>
          <p>{t('news.noFeedsHint')}</p>
          <div class="example">
            <pre tabIndex={0}>{EXAMPLE}</pre>
            <CopyButton text={EXAMPLE} />
          </div>
        </EmptyState>
      ) : (
        <Table
          caption={t('news.feeds')}
          columns={columns().filter(({ name }) => !isNarrow.value || !WIDE.includes(name))}
          rows={value}
          keyOf={({ id }) => id}
          selected={selected}
          onOpen={({ id }) => navigate(feedPath(id === selected ? undefined : id))}
        />
      )}
      {feed && <FeedDetails key={feed.id} feed={feed} onRetry={again} />}
    </section>
  )
}

const columns = (): readonly Column<Feed>[] => [
  {
    name: 'peer',
    title: t('news.peer'),
    sortBy: ({ peer }) => peer,
    cell: ({ peer, virtualServer }) => (
      <>
        <strong>{peer}</strong>
        <span class="hint below">{virtualServer}</span>
      </>
    ),
  },
  {
    name: 'state',
    title: t('news.state'),
    sortBy: ({ state }) => state,
    cell: ({ state, failure }) => (
      <>
        <State state={state} />
        {failure && (
          <span class="hint below failure" title={failure.message}>
            {failure.message}
          </span>
        )}
      </>
    ),
  },
  {
    name: 'queue',
    title: t('news.queue'),
    isNumber: true,
    sortBy: ({ queue }) => (queue ? queue.waiting + queue.deferred : -1),
    cell: ({ queue }) => (queue ? formatNumber(queue.waiting + queue.deferred) : '–'),
  },
  {
    name: 'direction',
    title: t('news.direction'),
    cell: ({ direction, groups }) => (
      <>
        {t(`news.direction_${direction}`)}
        <code class="below">{groups}</code>
      </>
    ),
  },
  {
    name: 'succeeded',
    title: t('news.succeeded'),
    sortBy: ({ succeededAt }) => succeededAt ?? '',
    cell: ({ succeededAt }) => (succeededAt === null ? '–' : <RelativeTime at={succeededAt} />),
  },
]

const TONES = { running: 'accent', waiting: 'good', retrying: 'bad', passive: 'neutral' } as const

const State = ({ state }: { readonly state: Feed['state'] }) => (
  <Badge tone={TONES[state]}>{t(`news.state_${state}`)}</Badge>
)

/** One feed: why it fails and what to do, where it connects to, and its queue. */
function FeedDetails({ feed, onRetry }: { readonly feed: Feed; readonly onRetry: () => Promise<void> }) {
  const { id, peer, host, port, tls, failure, nextAt, succeededAt, state, queue } = feed
  const retry = (): Promise<void> =>
    call('feeds.retry', { id }).then(onRetry, (error) => notifyProblem(problemOf(error)))
  return (
    <section class="feed" aria-label={peer}>
      <header>
        <h3>
          {peer} <State state={state} />
        </h3>
        {state !== 'passive' && may('administer') && (
          <Button icon={RefreshCw} onClick={() => void retry()}>
            {t('news.retry')}
          </Button>
        )}
      </header>
      {failure && (
        <div class="failure-box">
          <p>
            <strong>{t('news.lastFailure')}</strong> <RelativeTime at={failure.at} />
          </p>
          <p>
            <code>{failure.message}</code>
          </p>
          <p class="hint">{t('news.failureHint')}</p>
        </div>
      )}
      <dl class="facts beside wide">
        {host === null ? (
          <Fact name={t('news.connection')}>{t('news.passiveHint')}</Fact>
        ) : (
          <Fact name={t('news.connection')}>
            <Copyable text={`${host}:${port}`} /> {t(`news.tls_${tls}`)}
          </Fact>
        )}
        {succeededAt !== null && (
          <Fact name={t('news.succeeded')}>
            <RelativeTime at={succeededAt} />
          </Fact>
        )}
        {nextAt !== null && (
          <Fact name={t('news.next')}>
            <RelativeTime at={nextAt} short />
          </Fact>
        )}
      </dl>
      {queue && <Queue feed={feed} total={queue.waiting + queue.deferred} />}
    </section>
  )
}

/** The articles that wait for the peer. */
function Queue({ feed: { id }, total }: { readonly feed: Feed; readonly total: number }) {
  const { value, problem, again } = useLive(
    async () => (await call('feeds.queue', { id, limit: SHOWN })).items,
    ({ name }) => CHANGES.includes(name),
    id,
  )
  return (
    <section class="queue" aria-label={t('news.queue')}>
      <h3>
        {t('news.queue')} <span class="count">{formatNumber(total)}</span>
      </h3>
      {problem ? (
        <ProblemState problem={problem} onRetry={() => void again()} />
      ) : value === undefined ? (
        <Skeleton lines={2} />
      ) : value.length === 0 ? (
        <p class="hint">{t('news.queueEmpty')}</p>
      ) : (
        <Table
          caption={t('news.queue')}
          rows={value}
          keyOf={(one) => `${one.id} ${one.messageId}`}
          columns={[
            {
              name: 'article',
              title: t('news.article'),
              cell: ({ id: article, newsgroup, messageId }) => (
                <Link href={groupPath(newsgroup, { article })}>{messageId}</Link>
              ),
            },
            { name: 'newsgroup', title: t('news.newsgroup'), cell: ({ newsgroup }) => newsgroup },
            {
              name: 'state',
              title: t('news.state'),
              cell: ({ deferred }) => (
                <Badge tone={deferred ? 'warning' : 'neutral'}>{t(deferred ? 'news.deferred' : 'news.waiting')}</Badge>
              ),
            },
          ]}
        />
      )}
      {total > SHOWN && <p class="hint">{t('news.queueFirst', { n: SHOWN })}</p>}
    </section>
  )
}
