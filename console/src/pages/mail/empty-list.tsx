import { Inbox, Newspaper, SearchX } from 'lucide-preact'
import { FirstSteps } from '../../components/first-steps.tsx'
import { EmptyState } from '../../components/states.tsx'
import { folders } from '../../state/folders.ts'
import { t } from '../../texts/index.ts'
import { isPlain, type MailFilter } from './filter.ts'
import { OpenInNews } from './open-in-news.tsx'

/** An empty list: nothing was found, or how to send the first message. */
export function EmptyList({ filter }: { readonly filter: MailFilter }) {
  if (!isPlain(filter)) {
    return (
      <EmptyState icon={SearchX} title={t('mail.nothingFound')}>
        <p>{t('mail.nothingFoundHint')}</p>
      </EmptyState>
    )
  }
  const { account, folder, newsgroup, captured } = filter
  if (newsgroup !== undefined) {
    return (
      <EmptyState icon={Newspaper} title={t('mail.emptyFolder')}>
        <OpenInNews newsgroup={newsgroup} />
      </EmptyState>
    )
  }
  const isIncoming = folder === undefined || folder === 'INBOX'
  if (!isIncoming && !captured) return <EmptyState icon={Inbox} title={t('mail.emptyFolder')} />
  const user = account ?? folders.value?.find((one) => one.account !== null)?.account ?? 'alice'
  return <FirstSteps user={user} {...(captured ? { to: 'customer@example.com' } : {})} />
}
