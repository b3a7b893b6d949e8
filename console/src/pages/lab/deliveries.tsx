import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'

type Delivery = OutputOf<'webhooks.deliveries'>['items'][number]

const TONES = { pending: 'warning', delivered: 'good', failed: 'bad' } as const
/** A phone has no room for more. */
const NARROW = ['state', 'event']

/** The latest deliveries to webhooks. */
export function Deliveries() {
  const { value, problem, again } = useLive(
    async () => (await call('webhooks.deliveries', { limit: 50 })).items,
    ({ name }) => name === 'message.received',
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={3} />
  return (
    <section aria-label={t('lab.deliveries')}>
      <h2>{t('lab.deliveries')}</h2>
      {value.length === 0 ? (
        <p class="hint">{t('lab.noDeliveries')}</p>
      ) : (
        <Table
          caption={t('lab.deliveries')}
          columns={columns().filter(({ name }) => !isNarrow.value || NARROW.includes(name))}
          rows={value}
          keyOf={({ id }) => id}
        />
      )}
    </section>
  )
}

const columns = (): readonly Column<Delivery>[] => [
  {
    name: 'state',
    title: t('lab.key_state'),
    cell: ({ state, status, error }) => (
      <>
        <Badge tone={TONES[state]}>{t(`lab.state_${state}`)}</Badge> {status}
        {error !== null && <span class="hint below">{error}</span>}
      </>
    ),
  },
  {
    name: 'event',
    title: t('lab.event'),
    cell: ({ event, createdAt }) => (
      <>
        <code>{event}</code>
        <span class="hint below">
          <RelativeTime at={createdAt} ofMachine />
        </span>
      </>
    ),
  },
  { name: 'url', title: t('lab.key_url'), cell: ({ url }) => <code>{url}</code> },
  { name: 'attempts', title: t('lab.attempts'), isNumber: true, cell: ({ attempts }) => formatNumber(attempts) },
]
