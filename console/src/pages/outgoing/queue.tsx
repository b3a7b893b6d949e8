import { Inbox, Pause, RotateCw } from 'lucide-preact'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Button } from '../../components/button.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { isLeaving } from '../../components/removal.ts'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { navigate } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { isMedium, isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { actionsOf, flush, hold } from './actions.ts'
import { State } from './badges.tsx'
import { CHANGES, lastReply, type Queued, queuePath } from './facts.ts'
import { QueuedDetails } from './queued.tsx'

/** Messages that are shown. */
const SHOWN = 200
/** Columns that a narrow window and a phone have no room for. */
const WIDE = ['connector', 'attempts']
const WIDER = ['reply', 'actions']

interface QueueProps {
  readonly hasConnectors: boolean
  readonly selected: string | undefined
}

/** The messages that wait, with the last reply of the next host, and what can be done with them. */
export function Queue({ hasConnectors, selected }: QueueProps) {
  const { value, problem, again } = useLive(
    () => call('queue.list', { limit: SHOWN }),
    ({ name }) => CHANGES.includes(name),
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (value === undefined) return <Skeleton lines={3} />
  const items = value.items.filter(({ id }) => !isLeaving(id))
  if (items.length === 0 && !hasConnectors) return null
  const open = items.find(({ id }) => id === selected)
  return (
    <section class="queue" aria-label={t('outgoing.queue')}>
      <header>
        <h2>
          {t('outgoing.queue')} <span class="count">{formatNumber(value.total)}</span>
        </h2>
        {may('administer') && items.length > 0 && (
          <div class="buttons">
            <Button icon={RotateCw} onClick={() => flush({ all: true })}>
              {t('outgoing.flushAll')}
            </Button>
            <Button icon={Pause} onClick={() => hold({ all: true })}>
              {t('outgoing.holdAll')}
            </Button>
          </div>
        )}
      </header>
      {items.length === 0 ? (
        <EmptyState icon={Inbox} title={t('outgoing.empty')}>
          <p>{t('outgoing.emptyHint')}</p>
        </EmptyState>
      ) : (
        <Table
          caption={t('outgoing.queue')}
          columns={columns(again).filter(
            ({ name }) => !(isMedium.value && WIDE.includes(name)) && !(isNarrow.value && WIDER.includes(name)),
          )}
          rows={items}
          keyOf={({ id }) => id}
          selected={selected}
          onOpen={({ id }) => navigate(queuePath(id === selected ? undefined : id))}
        />
      )}
      {value.total > SHOWN && <p class="hint">{t('outgoing.first', { n: SHOWN })}</p>}
      {open && <QueuedDetails key={open.id} message={open} onDone={again} />}
    </section>
  )
}

const columns = (again: () => Promise<void>): readonly Column<Queued>[] => [
  {
    name: 'recipients',
    title: t('outgoing.recipients'),
    sortBy: ({ recipients }) => recipients[0]?.address ?? '',
    cell: ({ recipients, subject }) => (
      <>
        <strong class="below">{recipients.map(({ address }) => address).join(', ')}</strong>
        <span class="hint below">{subject ?? ''}</span>
      </>
    ),
  },
  {
    name: 'state',
    title: t('outgoing.state'),
    sortBy: ({ state }) => state,
    cell: ({ state }) => <State of={state} />,
  },
  {
    name: 'reply',
    title: t('outgoing.reply'),
    cell: (message) => (
      <span class="reply" title={lastReply(message)}>
        {lastReply(message)}
      </span>
    ),
  },
  {
    name: 'connector',
    title: t('outgoing.connector'),
    sortBy: ({ connector }) => connector,
    cell: ({ connector }) => connector,
  },
  {
    name: 'attempts',
    title: t('outgoing.attempts'),
    isNumber: true,
    sortBy: ({ attempts }) => attempts,
    cell: ({ attempts }) => formatNumber(attempts),
  },
  {
    name: 'next',
    title: t('outgoing.next'),
    sortBy: ({ nextAttemptAt }) => nextAttemptAt ?? '',
    cell: ({ nextAttemptAt }) => (nextAttemptAt === null ? '–' : <RelativeTime at={nextAttemptAt} />),
  },
  {
    name: 'actions',
    title: '',
    cell: (message) =>
      may('administer') && (
        <div class="row-actions">
          {actionsOf(message, again).map(({ icon, label, run }) => (
            <Button
              key={label}
              kind="plain"
              icon={icon}
              label={label}
              onClick={(event) => {
                event.stopPropagation()
                run()
              }}
            />
          ))}
        </div>
      ),
  },
]
