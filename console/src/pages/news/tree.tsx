import { Lock, Newspaper, Rss, ShieldCheck, Table2 } from 'lucide-preact'
import { Glyph, type Icon } from '../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { TreeGroup, TreeLink, TreeNav } from '../../components/tree.tsx'
import { seesLab } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { type Groups, isControl, type Newsgroup } from './groups.ts'
import { feedPath, groupPath, groupsPath, type Place } from './place.ts'

/** Signs beside the name of a newsgroup to which not everybody can post. */
const SIGNS: Readonly<Record<string, Icon>> = { moderated: ShieldCheck, no: Lock }

/** The newsgroups and the feeds. */
export function NewsTree({ groups, place }: { readonly groups: Groups; readonly place: Place }) {
  const { value, problem, again } = groups
  if (!value) return problem ? <ProblemState problem={problem} onRetry={() => void again()} /> : <Skeleton />
  const unread = value.reduce((sum, one) => sum + one.unread, 0)
  const control = value.filter(isControl)
  return (
    <TreeNav label={t('news.newsgroups')}>
      <ul>
        <TreeLink
          href={groupsPath}
          isCurrent={place.kind === 'groups'}
          icon={Table2}
          label={t('news.allGroups')}
          unread={unread}
          level={0}
        />
        {seesLab() && (
          <TreeLink href={feedPath()} isCurrent={place.kind === 'feeds'} icon={Rss} label={t('news.feeds')} level={0} />
        )}
      </ul>
      <Section
        name="news.groups"
        label={t('news.newsgroups')}
        groups={value.filter((one) => !isControl(one))}
        place={place}
      />
      {control.length > 0 && (
        <Section name="news.control" label={t('news.controlGroups')} groups={control} place={place} />
      )}
    </TreeNav>
  )
}

interface SectionProps {
  readonly name: string
  readonly label: string
  readonly groups: readonly Newsgroup[]
  readonly place: Place
}

const Section = ({ name, label, groups, place }: SectionProps) => (
  <TreeGroup name={name} label={label} unread={groups.reduce((sum, { unread }) => sum + unread, 0)}>
    {groups.map((group) => {
      const sign = isControl(group) ? undefined : SIGNS[group.posting]
      const counts = t('news.counts', { unread: group.unread, n: group.messages })
      const state = group.posting === 'yes' ? '' : ` · ${t(`news.posting_${group.posting}`)}`
      return (
        <TreeLink
          key={group.id}
          href={groupPath(group.name)}
          isCurrent={place.kind === 'group' && place.name === group.name}
          icon={Newspaper}
          label={group.name}
          title={`${group.description || group.name} · ${counts}${state}`}
          unread={group.unread}
          level={1}
        >
          {sign && <Glyph icon={sign} size={13} />}
        </TreeLink>
      )
    })}
  </TreeGroup>
)
