import { ChevronDown, ChevronRight, Paperclip, Star } from 'lucide-preact'
import { Glyph } from '../../components/icon.tsx'
import { RelativeTime } from '../../components/relative-time.tsx'
import { t } from '../../texts/index.ts'
import { nameOf } from '../mail/row.tsx'
import type { Row } from './rows.ts'

/** Deeper articles are not indented any further. */
const MAX_DEPTH = 8

interface ArticleRowProps {
  readonly row: Row
  readonly onToggle: (event: MouseEvent) => void
}

/** An article in the list: its subject if it is a new one, who, when, and how it begins. */
export function ArticleRow({ row, onToggle }: ArticleRowProps) {
  const { article, below, unreadBelow, isCollapsed, isNewSubject } = row
  const { subject, from, receivedAt, read, flagged, attachments, snippet, depth } = article
  const isUnread = !read || (isCollapsed && unreadBelow > 0)
  const who = nameOf(from)
  const what = subject || t('mail.noSubject')
  return (
    <div
      class={`news-row ${isUnread ? 'unread' : ''} ${depth === 0 ? 'root' : ''}`}
      style={{ '--depth': `${Math.min(depth, MAX_DEPTH)}` }}
    >
      <span class="guides" />
      <span class="twist" onClick={below > 0 ? onToggle : undefined}>
        {below > 0 ? <Glyph icon={isCollapsed ? ChevronRight : ChevronDown} size={15} /> : <span class="leaf" />}
      </span>
      <span class="first" title={isNewSubject ? subject : from?.address}>
        {isUnread && <span class="dot" />}
        <span class="text" dir="auto">
          {isNewSubject ? what : who}
        </span>
        {isCollapsed && <span class="thread-size">{t('news.below', { n: below })}</span>}
      </span>
      <span class="when">
        {flagged && <Glyph icon={Star} size={13} />}
        {attachments > 0 && <Glyph icon={Paperclip} size={13} />}
        <RelativeTime at={receivedAt} short />
      </span>
      <span class="second">
        {isNewSubject && <bdi class="who">{who}</bdi>}
        <span class="snippet" dir="auto">
          {snippet}
        </span>
      </span>
      {isUnread && <span class="hidden">{t('mail.unread')}</span>}
    </div>
  )
}
