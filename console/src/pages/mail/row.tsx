import { Paperclip, Star } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { Glyph } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { t } from '../../texts/index.ts'
import type { Summary } from './filter.ts'
import { inShort, recipientsOf } from './recipients.ts'

interface RowProps {
  readonly message: Summary | undefined
  readonly isChecked: boolean
  /** Whether the list shows what the account has sent. */
  readonly isSent: boolean
  /** The account of the list, which its rows do not name. */
  readonly account?: string | undefined
  readonly onCheck: (event: MouseEvent) => void
}

const MAX_TAGS = 2

/** Returns the name of somebody, or the address. */
export const nameOf = (one: { readonly name: string; readonly address: string } | null): string =>
  one === null ? t('mail.unknownSender') : one.name || one.address

/** The sender of a message; without one in its header, that of the envelope in grey. */
function Sender({ from, envelope }: { readonly from: Summary['from']; readonly envelope: string | undefined }) {
  if (from === null && envelope) return <span class="envelope">{envelope}</span>
  return <>{nameOf(from)}</>
}

/** A message in the list: who, when, what. */
export function Row({ message, isChecked, isSent, account, onCheck }: RowProps) {
  if (!message) return <div class="mail-row loading" />
  const { subject, from, envelope, receivedAt, read, flagged, attachments, snippet, thread, sentBy } = message
  // The chip of the provider says the same as its tag.
  const tags = message.tags.filter((tag) => tag !== sentBy?.provider)
  const isUnread = thread ? thread.unread > 0 : !read
  const recipients = recipientsOf(message)
  const isOwn = recipients.length === 0 || (recipients.length === 1 && recipients[0] === account)
  const title = [from?.address ?? envelope?.from, recipients.join(', ')].filter(Boolean).join(' → ')
  return (
    <div class={`mail-row ${isUnread ? 'unread' : ''}`}>
      <span class={`check ${isChecked ? 'on' : ''}`} onClick={onCheck}>
        <span class="dot" />
        <span class="box" />
      </span>
      <span class="who" title={title} dir="auto">
        {!isSent && <Sender from={from} envelope={envelope?.from} />}
        {(isSent || !isOwn) && (
          <span class="to">
            {' '}
            <span aria-hidden="true">→</span>
            <span class="hidden">{t('mail.to')}</span> <bdi>{inShort(recipients)}</bdi>
          </span>
        )}
        {thread && thread.messages > 1 && <span class="thread-size">{thread.messages}</span>}
      </span>
      <span class="when">
        {flagged && <Glyph icon={Star} size={13} />}
        {attachments > 0 && <Glyph icon={Paperclip} size={13} />}
        <RelativeTime at={receivedAt} short />
      </span>
      <span class="what" title={subject} dir="auto">
        {tags.slice(0, MAX_TAGS).map((tag) => (
          <bdi key={tag}>
            <Badge tone="accent">{tag}</Badge>
          </bdi>
        ))}
        {tags.length > MAX_TAGS && (
          <bdi>
            <Badge title={tags.slice(MAX_TAGS).join(', ')}>+{tags.length - MAX_TAGS}</Badge>
          </bdi>
        )}
        {sentBy && <Badge title={t('mail.sentByProvider', { provider: sentBy.name })}>{sentBy.name}</Badge>}
        <span class="subject">{subject || t('mail.noSubject')}</span> <bdi class="snippet">{snippet}</bdi>
      </span>
      <span class="hidden">
        {isUnread ? t('mail.unread') : ''} {attachments > 0 ? t('mail.attachmentCount', { n: attachments }) : ''}
      </span>
    </div>
  )
}
