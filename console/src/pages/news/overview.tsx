import { Lock, Newspaper, Plus, Settings2, ShieldCheck } from 'lucide-preact'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { EmptyState } from '../../components/states.tsx'
import { type Column, Table } from '../../components/table.tsx'
import { navigate } from '../../router.ts'
import { isNarrow } from '../../state/media.ts'
import { formatNumber, t } from '../../texts/index.ts'
import { mayManage, type Newsgroup } from './groups.ts'
import { groupPath } from './place.ts'

/** Columns that a phone has no room for. */
const WIDE = ['articles', 'access', 'kept']

interface OverviewProps {
  readonly groups: readonly Newsgroup[]
  readonly onNew: () => void
  readonly onProperties: (group: Newsgroup) => void
}

/** Every newsgroup with its counts, and who may post. */
export const Overview = ({ groups, onNew, onProperties }: OverviewProps) => (
  <section class="news-page" aria-label={t('news.newsgroups')}>
    <header>
      <h2>{t('news.newsgroups')}</h2>
      {mayManage() && (
        <Button icon={Plus} onClick={onNew}>
          {t('news.newGroup')}
        </Button>
      )}
    </header>
    {groups.length === 0 ? (
      <EmptyState icon={Newspaper} title={t('news.noGroups')}>
        <p>{t('news.noGroupsHint')}</p>
      </EmptyState>
    ) : (
      <Table
        caption={t('news.newsgroups')}
        columns={columns(onProperties).filter(({ name }) => !isNarrow.value || !WIDE.includes(name))}
        rows={groups}
        keyOf={({ id }) => id}
        onOpen={({ name }) => navigate(groupPath(name))}
        sorting={{ column: 'name', descending: false }}
      />
    )}
  </section>
)

const columns = (onProperties: OverviewProps['onProperties']): readonly Column<Newsgroup>[] => [
  {
    name: 'name',
    title: t('news.name'),
    sortBy: ({ name }) => name,
    cell: ({ name, description }) => (
      <>
        <strong>{name}</strong>
        {description !== '' && <span class="hint below">{description}</span>}
      </>
    ),
  },
  {
    name: 'unread',
    title: t('news.unread'),
    isNumber: true,
    sortBy: ({ unread }) => unread,
    cell: ({ unread }) => (unread > 0 ? <Badge tone="accent">{formatNumber(unread)}</Badge> : '0'),
  },
  {
    name: 'articles',
    title: t('news.articles'),
    isNumber: true,
    sortBy: ({ messages }) => messages,
    cell: ({ messages, first, last }) => (
      <span title={messages === 0 ? undefined : t('news.numbers', { first, last })}>{formatNumber(messages)}</span>
    ),
  },
  {
    name: 'posting',
    title: t('news.posting'),
    sortBy: ({ posting }) => posting,
    cell: (group) => <Posting group={group} />,
  },
  {
    name: 'access',
    title: t('news.access'),
    cell: ({ access }) => t(access === null ? 'news.access_server' : `news.access_${access}`),
  },
  {
    name: 'kept',
    title: t('news.kept'),
    cell: ({ expireAfter, keepLatest }) =>
      [expireAfter === null ? '' : expireAfter, keepLatest === null ? '' : t('news.latest', { n: keepLatest })]
        .filter(Boolean)
        .join(', ') || t('news.forever'),
  },
  {
    name: 'actions',
    title: '',
    cell: (group) =>
      mayManage() && (
        <Button
          kind="plain"
          icon={Settings2}
          label={t('news.propertiesOf', { name: group.name })}
          onClick={(event) => {
            event.stopPropagation()
            onProperties(group)
          }}
        />
      ),
  },
]

/** Shows who may post, as a word with a sign. */
export function Posting({ group: { posting, moderator } }: { readonly group: Newsgroup }) {
  if (posting === 'yes') return <Badge tone="good">{t('news.posting_yes')}</Badge>
  if (posting === 'no') return <Badge icon={Lock}>{t('news.posting_no')}</Badge>
  return (
    <>
      <Badge tone="warning" icon={ShieldCheck}>
        {t('news.posting_moderated')}
      </Badge>{' '}
      <span class="hint below">{moderator}</span>
    </>
  )
}
