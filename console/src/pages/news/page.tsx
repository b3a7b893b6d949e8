import '../mail/mail.css'
import '../mail/tabs/tabs.css'
import './news.css'
import { Newspaper, PanelLeft, PenLine, Plus, Rss } from 'lucide-preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Button } from '../../components/button.tsx'
import { Dialog } from '../../components/dialog.tsx'
import { SplitPane } from '../../components/split-pane.tsx'
import { EmptyState, ProblemState, Skeleton } from '../../components/states.tsx'
import { navigate } from '../../router.ts'
import { type Command, matching, useCommands } from '../../shell/commands.ts'
import { type Shortcut, useShortcuts } from '../../shell/shortcuts.ts'
import { may, seesLab } from '../../state/caller.ts'
import { isMedium, isNarrow } from '../../state/media.ts'
import { t } from '../../texts/index.ts'
import { Compose } from '../mail/compose.tsx'
import { composing } from '../mail/compose-state.ts'
import { CancelArticle } from './cancel.tsx'
import { ComposeArticle } from './compose.tsx'
import { answerByMail, beginArticle, followUp, writing } from './compose-state.ts'
import { Feeds } from './feeds.tsx'
import { GroupDialog } from './group-dialog.tsx'
import { type Groups, mayManage, type Newsgroup, useGroups } from './groups.ts'
import { ListPane } from './list-pane.tsx'
import { Overview } from './overview.tsx'
import { feedPath, type GroupPlace, groupPath, groupsPath, type Place, usePlace } from './place.ts'
import { Article } from './reader.tsx'
import { NewsTree } from './tree.tsx'
import { type Threads, useThreads } from './use-threads.ts'

/** The dialog of a newsgroup: a new one, or the properties of one. */
type Asked = { readonly group: Newsgroup | undefined }

/** The newsgroups of the lab: the tree, the threads and the open article; and the feeds. */
export default function NewsPage() {
  const place = usePlace()
  const groups = useGroups()
  const [asked, ask] = useState<Asked>()
  const [isTreeOpen, openTree] = useState(false)
  const shown = place.kind === 'group' ? place.name : place.kind
  useEffect(() => openTree(false), [shown])
  useNewsCommands(groups, () => ask({ group: undefined }))
  const tree = <NewsTree groups={groups} place={place} />
  const hasPane = !isMedium.value
  const content = (
    <Content place={place} groups={groups} ask={ask} onTree={hasPane ? undefined : () => openTree(true)} />
  )
  return (
    <>
      {hasPane ? (
        <SplitPane name="news.tree" label={t('mail.resizeTree')} width={220} min={160} max={360}>
          {tree}
          {content}
        </SplitPane>
      ) : (
        content
      )}
      {isTreeOpen && (
        <Dialog title={t('news.newsgroups')} size="small" onClose={() => openTree(false)}>
          {tree}
        </Dialog>
      )}
      {asked && (
        <GroupDialog
          group={asked.group}
          onClose={() => ask(undefined)}
          onDone={(name) => {
            const isNew = asked.group === undefined
            ask(undefined)
            if (name === undefined) navigate(groupsPath)
            void groups.again().then(() => {
              if (isNew && name !== undefined) navigate(groupPath(name))
            })
          }}
        />
      )}
      {writing.value && <ComposeArticle draft={writing.value} groups={groups.value ?? []} place={place} />}
      {composing.value && <Compose draft={composing.value} />}
    </>
  )
}

interface ContentProps {
  readonly place: Place
  readonly groups: Groups
  readonly ask: (asked: Asked) => void
  /** Opens the tree, where it has no pane. */
  readonly onTree: (() => void) | undefined
}

function Content({ place, groups, ask, onTree }: ContentProps) {
  const { value, problem, again } = groups
  if (!value) return problem ? <ProblemState problem={problem} onRetry={() => void again()} /> : <Skeleton />
  if (place.kind === 'group') {
    const group = value.find(({ name }) => name === place.name)
    if (group) {
      return (
        <GroupContent
          key={group.id}
          place={place}
          group={group}
          groups={value}
          onTree={onTree}
          onProperties={() => ask({ group })}
        />
      )
    }
    return (
      <EmptyState icon={Newspaper} title={t('news.noGroup', { name: place.name })}>
        <Button onClick={() => navigate(groupsPath)}>{t('news.allGroups')}</Button>
      </EmptyState>
    )
  }
  return (
    <div class="news-scroll">
      {onTree && (
        <Button kind="plain" icon={PanelLeft} onClick={onTree}>
          {t('news.newsgroups')}
        </Button>
      )}
      {place.kind === 'feeds' ? (
        <Feeds selected={place.feed} />
      ) : (
        <Overview groups={value} onNew={() => ask({ group: undefined })} onProperties={(group) => ask({ group })} />
      )}
    </div>
  )
}

interface GroupContentProps {
  readonly place: GroupPlace
  readonly group: Newsgroup
  readonly groups: readonly Newsgroup[]
  readonly onTree: (() => void) | undefined
  readonly onProperties: () => void
}

/** The threads of a newsgroup and the open article, beside each other where there is room. */
function GroupContent({ place, group, groups, onTree, onProperties }: GroupContentProps) {
  const threads = useThreads(place, group)
  const [cancelling, cancel] = useState<string>()
  useNewsKeys(threads, cancel)
  const { article } = place
  // The text about a newsgroup without articles needs the room.
  const isEmpty = article === undefined && place.search === '' && threads.list.value?.total === 0
  const subject = threads.rows.find((row) => row.article.id === cancelling)?.article.subject ?? ''
  const reader =
    article === undefined ? (
      <EmptyState icon={Newspaper} title={t('news.selectOne')}>
        <p>{t('mail.selectOneHint')}</p>
      </EmptyState>
    ) : (
      <Article
        id={article}
        groups={groups}
        onCancel={() => cancel(article)}
        onBack={isNarrow.value ? threads.close : undefined}
      />
    )
  const list = <ListPane threads={threads} onGroups={onTree} onProperties={onProperties} />
  return (
    <>
      {isEmpty ? (
        list
      ) : isNarrow.value ? (
        article === undefined ? (
          list
        ) : (
          reader
        )
      ) : (
        <SplitPane name="news.list" label={t('mail.resizeList')} width={380} min={280} max={720}>
          {list}
          {reader}
        </SplitPane>
      )}
      {cancelling !== undefined && (
        <CancelArticle
          id={cancelling}
          subject={subject}
          onClose={() => cancel(undefined)}
          onDone={() => {
            cancel(undefined)
            threads.close()
          }}
        />
      )}
    </>
  )
}

/** The keys of newsreaders. */
function useNewsKeys(threads: Threads, cancel: (id: string) => void): void {
  const latest = useRef({ threads, cancel })
  latest.current = { threads, cancel }
  useShortcuts(
    useMemo<readonly Shortcut[]>(() => {
      const run = (act: (now: Threads) => void) => () => act(latest.current.threads)
      const withOpen = (act: (id: string) => unknown) =>
        run(({ place: { article } }) => {
          if (article !== undefined) act(article)
        })
      const fold = run((now) => {
        const row = now.rows[now.active]
        if (row && row.below > 0) now.collapse(row.article.id, !row.isCollapsed)
      })
      return [
        { keys: 'j', text: 'news.keyNext', run: run((now) => now.step(1)) },
        { keys: 'k', text: 'news.keyPrevious', run: run((now) => now.step(-1)) },
        { keys: 'n', text: 'news.keyNextUnread', run: run((now) => now.nextUnread()) },
        { keys: 'o', text: 'news.keyOpen', run: run((now) => now.place.article === undefined && now.step(0)) },
        { keys: 'u', text: 'mail.back', run: run((now) => now.close()) },
        { keys: 'e', text: 'news.keyFold', run: fold },
        {
          keys: '*',
          text: 'news.keyFoldAll',
          run: run((now) => now.collapseAll(!now.rows.some(({ isCollapsed }) => isCollapsed))),
        },
        { keys: '/', text: 'news.search', run: () => document.querySelector<HTMLElement>('.mail-search')?.focus() },
        ...(may('change')
          ? ([
              { keys: 'c', text: 'news.newArticle', run: run(({ group }) => beginArticle(group)) },
              { keys: 'f', text: 'news.followUp', run: withOpen(followUp) },
              { keys: 'r', text: 'news.answerByMail', run: withOpen(answerByMail) },
              { keys: '#', text: 'news.cancel', run: withOpen((id) => latest.current.cancel(id)) },
            ] as const)
          : []),
      ]
    }, []),
  )
}

/** Adds the palette's commands: newsgroups by their names, feeds, a new article and a new newsgroup. */
function useNewsCommands(groups: Groups, createGroup: () => void): void {
  const latest = useRef({ groups, createGroup })
  latest.current = { groups, createGroup }
  useCommands(
    useMemo(
      () => (search: string) => {
        const commands: Command[] = []
        if (may('change')) {
          commands.push({
            id: 'news.write',
            title: t('news.newArticle'),
            icon: PenLine,
            hint: 'c',
            run: () => beginArticle(),
          })
        }
        if (mayManage()) {
          commands.push({
            id: 'news.create',
            title: t('news.newGroup'),
            icon: Plus,
            run: () => latest.current.createGroup(),
          })
        }
        if (seesLab()) {
          commands.push({ id: 'news.feeds', title: t('news.feeds'), icon: Rss, run: () => navigate(feedPath()) })
        }
        for (const { name, description } of latest.current.groups.value ?? []) {
          commands.push({
            id: `news.group.${name}`,
            title: name,
            hint: description,
            icon: Newspaper,
            run: () => navigate(groupPath(name)),
          })
        }
        return matching(commands, search)
      },
      [],
    ),
  )
}
