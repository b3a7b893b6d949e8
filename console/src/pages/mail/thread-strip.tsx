import { MessagesSquare } from 'lucide-preact'
import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Glyph } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { t } from '../../texts/index.ts'
import { nameOf } from './row.tsx'
import type { Mail } from './use-mail.ts'
import type { Message } from './use-message.ts'

/** The other messages of a thread, the oldest first. Nothing for a message without any. */
export function ThreadStrip({ mail, message: { id, messageId } }: { readonly mail: Mail; readonly message: Message }) {
  const { value } = useLive(
    () => call('messages.thread', { id }),
    ({ name }) => name === 'message.received' || name === 'message.deleted',
    id,
  )
  // Copies of a message for several recipients are one step of a conversation.
  const items = (value?.items ?? []).filter(
    (one, at, all) =>
      one.id === id ||
      (one.messageId !== messageId && all.findIndex((other) => other.messageId === one.messageId) === at),
  )
  if (items.length < 2) return null
  return (
    <nav class="thread" aria-label={t('mail.thread')}>
      <Glyph icon={MessagesSquare} />
      <ol>
        {items.map((one) => (
          <li key={one.id}>
            <button type="button" aria-current={one.id === id ? 'true' : undefined} onClick={() => mail.open(one.id)}>
              <bdi>{nameOf(one.from)}</bdi> <RelativeTime at={one.receivedAt} short />
            </button>
          </li>
        ))}
      </ol>
    </nav>
  )
}
