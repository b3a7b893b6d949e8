import { Paperclip, Star } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { Glyph } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { t } from '../../texts/index.ts'
import type { Summary } from './filter.ts'

interface RowProps {
  readonly message: Summary | undefined
  readonly isChecked: boolean
  /** Whether the list shows what the account has sent. */
  readonly isSent: boolean
  readonly onCheck: (event: MouseEvent) => void
}

const MAX_TAGS = 2

/** Returns the name of somebody, or the address. */
export const nameOf = (one: { readonly name: string; readonly address: string } | null): string =>
  one === null ? t('mail.unknownSender') : one.name || one.address

/** A message in the list: who, when, what. */
export function Row({ message, isChecked, isSent, onCheck }: RowProps) {
  if (!message) return <div class="mail-row loading" />
  const { subject, from, to, receivedAt, read, flagged, attachments, snippet, tags, thread } = message
  const isUnread = thread ? thread.unread > 0 : !read
  const who = isSent ? `${t('mail.to')} ${to.map(nameOf).join(', ')}` : nameOf(from)
  return (
    <div class={`mail-row ${isUnread ? 'unread' : ''}`}>
      <span class={`check ${isChecked ? 'on' : ''}`} onClick={onCheck}>
        <span class="dot" />
        <span class="box" />
      </span>
      <span class="who" title={from?.address}>
        {who}
        {thread && thread.messages > 1 && <span class="thread-size">{thread.messages}</span>}
      </span>
      <span class="when">
        {flagged && <Glyph icon={Star} size={13} />}
        {attachments > 0 && <Glyph icon={Paperclip} size={13} />}
        <RelativeTime at={receivedAt} short />
      </span>
      <span class="what" title={subject}>
        {tags.slice(0, MAX_TAGS).map((tag) => (
          <Badge key={tag} tone="accent">
            {tag}
          </Badge>
        ))}
        <span class="subject">{subject || t('mail.noSubject')}</span>
        <span class="snippet"> {snippet}</span>
      </span>
      <span class="hidden">
        {isUnread ? t('mail.unread') : ''} {attachments > 0 ? t('mail.attachmentCount', { n: attachments }) : ''}
      </span>
    </div>
  )
}
