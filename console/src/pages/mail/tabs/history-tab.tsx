import { useEffect } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { call, type Schemas } from '../../../api/client.ts'
import { useLive } from '../../../api/use-live.ts'
import { wholeTime } from '../../../components/relative-time.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../../components/states.tsx'
import { language } from '../../../state/preferences.ts'
import type { TextKey } from '../../../texts/catalogue.ts'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'

type Happened = Schemas['MessageEvent']

const TEXTS: Readonly<Record<Happened['event'], TextKey>> = {
  delivered: 'mail.historyDelivered',
  script: 'mail.historyScript',
  stored: 'mail.historyStored',
  moved: 'mail.historyMoved',
  read: 'mail.historyRead',
  flags: 'mail.historyFlags',
  deleted: 'mail.historyDeleted',
  reported: 'mail.historyReported',
  queued: 'mail.historyQueued',
  sent: 'mail.historySent',
  deferred: 'mail.historyDeferred',
  failed: 'mail.historyFailed',
  held: 'mail.historyHeld',
  unqueued: 'mail.historyUnqueued',
}

/** Reads and what other nodes do cause no events. */
const READ_AGAIN_MS = 2_000

/** The events of a message and its copies, while they happen. */
export default function HistoryTab({ message: { id, content } }: TabProps) {
  const { value, problem, again } = useLive(
    () => call('messages.history', { id }),
    ({ name, data }) => name.startsWith('queue.') || (name.startsWith('message.') && isOf(data, id, content)),
    id,
  )
  useEffect(() => {
    const timer = setInterval(() => document.hidden || void again(), READ_AGAIN_MS)
    return () => clearInterval(timer)
  }, [again])
  if (problem && !value) return <ProblemState problem={problem} />
  if (!value) return <Skeleton />
  if (value.items.length === 0) return <EmptyState title={t('mail.historyEmpty')} />
  return (
    <div class="padded history-tab">
      <ol class="history" aria-label={t('mail.tabHistory')}>
        {value.items.map((one, index) => (
          <Row key={index} happened={one} />
        ))}
      </ol>
      {value.missing && <p class="hint">{t('mail.historyMissing', { nodes: value.missing.join(', ') })}</p>}
      <p class="hint">{t('mail.historyHint')}</p>
    </div>
  )
}

const isOf = (data: Readonly<Record<string, unknown>>, id: string, content: string): boolean =>
  data.id === id || (data.message as { readonly content?: string } | undefined)?.content === content

function Row({ happened }: { readonly happened: Happened }) {
  const { event, at, account, folder, from, session, user, recipients, text, added, removed } = happened
  const place = [account, folder].filter((one) => one !== null).join(': ')
  const flags = [...added.map((flag) => `+${flag}`), ...removed.map((flag) => `−${flag}`)].join(' ')
  const details = [event === 'delivered' ? recipients.join(', ') : '', flags, text ?? ''].filter((one) => one !== '')
  return (
    <li class={event === 'failed' || event === 'deferred' ? 'bad' : undefined}>
      <time dateTime={at} title={wholeTime(at)}>
        {new Date(at).toLocaleTimeString(language.value)}
      </time>
      <div>
        <span>
          <bdi>{t(TEXTS[event], { place, from: from ?? '', to: recipients.join(', ') })}</bdi>
        </span>
        {details.map((one) => (
          <code key={one} dir="auto">
            {one}
          </code>
        ))}
      </div>
      <span class="hint">
        {user} {session && <Link href={`/sessions/${session}`}>{session}</Link>}
      </span>
    </li>
  )
}
