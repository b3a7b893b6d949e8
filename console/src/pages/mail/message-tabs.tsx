import type { ComponentType } from 'preact'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Tab, Tabs } from '../../components/tabs.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import { useLoaded } from './use-loaded.ts'
import type { Message, TabProps } from './use-message.ts'

interface TabRow {
  readonly name: TabName
  readonly label: TextKey
  readonly isShown?: (message: Message) => boolean
  readonly count?: (message: Message) => number
  readonly load: () => Promise<{ readonly default: ComponentType<TabProps> }>
}

type TabName =
  | 'html'
  | 'text'
  | 'source'
  | 'headers'
  | 'parts'
  | 'attachments'
  | 'links'
  | 'arrival'
  | 'history'
  | 'smime'
  | 'check'

/** The tabs of a message. Each is loaded when it is opened. */
const rows: readonly TabRow[] = [
  { name: 'html', label: 'mail.tabHtml', isShown: ({ hasHtml }) => hasHtml, load: () => import('./tabs/html-tab.tsx') },
  { name: 'text', label: 'mail.tabText', load: () => import('./tabs/text-tab.tsx') },
  {
    name: 'attachments',
    label: 'mail.tabAttachments',
    isShown: ({ attachments }) => attachments.length > 0,
    count: ({ attachments }) => attachments.length,
    load: () => import('./tabs/attachments-tab.tsx'),
  },
  {
    name: 'links',
    label: 'mail.tabLinks',
    count: ({ links, codes }) => links.length + codes.length,
    load: () => import('./tabs/links-tab.tsx'),
  },
  { name: 'headers', label: 'mail.tabHeaders', load: () => import('./tabs/headers-tab.tsx') },
  { name: 'parts', label: 'mail.tabParts', load: () => import('./tabs/parts-tab.tsx') },
  { name: 'source', label: 'mail.tabSource', load: () => import('./tabs/source-tab.tsx') },
  { name: 'arrival', label: 'mail.tabArrival', load: () => import('./tabs/arrival-tab.tsx') },
  { name: 'history', label: 'mail.tabHistory', load: () => import('./tabs/history-tab.tsx') },
  {
    name: 'smime',
    label: 'mail.tabSmime',
    isShown: ({ smime }) => smime !== null,
    load: () => import('./tabs/smime-tab.tsx'),
  },
  {
    name: 'check',
    label: 'mail.tabCheck',
    load: () => import('./tabs/checks-tab.tsx'),
  },
]

/** The tabs of a message. The open one is in the URL, and stays open for the next message if it has one. */
export function MessageTabs({ message }: { readonly message: Message }) {
  const { page, rest, query } = useRoute()
  const shown = rows.filter(({ isShown }) => isShown?.(message) ?? true)
  const wanted = query.get('tab')
  const row = shown.find(({ name }) => name === wanted) ?? (shown[0] as TabRow)
  const select = (name: TabName): void => {
    const next = new URLSearchParams(query)
    next.set('tab', name)
    navigate(pathWith([page, ...rest], next), { replace: true })
  }
  const tabs: Tab<TabName>[] = shown.map(({ name, label, count }) => ({
    name,
    label: t(label),
    count: count?.(message) || undefined,
  }))
  const { value: view, problem } = useLoaded(row.name, row.load)
  const hasCard = message.event !== null && (row.name === 'html' || row.name === 'text')
  const { value: card } = useLoaded(`card ${hasCard}`, async () => hasCard && (await import('./tabs/invitation.tsx')))
  const Card = card ? card.default : undefined
  const View = view?.default
  return (
    <Tabs<TabName> label={t('mail.views')} tabs={tabs} selected={row.name} onSelect={select}>
      {problem && <ProblemState problem={problem} />}
      {hasCard && Card && <Card message={message} />}
      {View ? <View key={row.name} message={message} /> : <Skeleton />}
    </Tabs>
  )
}
