import type { ComponentType } from 'preact'
import { useLoaded } from '../../api/use-loaded.ts'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { type Tab, Tabs } from '../../components/tabs.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'
import type { Message, TabProps } from './use-message.ts'

interface TabRow {
  readonly name: TabName
  readonly label: TextKey
  readonly isShown?: (message: Message) => boolean
  readonly count?: (message: Message) => number
  readonly load: () => Promise<ComponentType<TabProps>>
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

const tabs = () => import('./tabs/index.ts')

/** The tabs of a message. They are loaded when one is opened. */
const rows: readonly TabRow[] = [
  { name: 'html', label: 'mail.tabHtml', isShown: ({ hasHtml }) => hasHtml, load: async () => (await tabs()).html },
  { name: 'text', label: 'mail.tabText', load: async () => (await tabs()).text },
  {
    name: 'attachments',
    label: 'mail.tabAttachments',
    isShown: ({ attachments }) => attachments.length > 0,
    count: ({ attachments }) => attachments.length,
    load: async () => (await tabs()).attachments,
  },
  {
    name: 'links',
    label: 'mail.tabLinks',
    count: ({ links, codes }) => links.length + codes.length,
    load: async () => (await tabs()).links,
  },
  { name: 'headers', label: 'mail.tabHeaders', load: async () => (await tabs()).headers },
  { name: 'parts', label: 'mail.tabParts', load: async () => (await tabs()).parts },
  { name: 'source', label: 'mail.tabSource', load: async () => (await tabs()).source },
  { name: 'arrival', label: 'mail.tabArrival', load: async () => (await import('./tabs/arrival-tab.tsx')).default },
  { name: 'history', label: 'mail.tabHistory', load: async () => (await tabs()).history },
  {
    name: 'smime',
    label: 'mail.tabSmime',
    isShown: ({ smime }) => smime !== null,
    load: async () => (await tabs()).smime,
  },
  {
    name: 'check',
    label: 'mail.tabCheck',
    load: async () => (await import('./tabs/checks-tab.tsx')).default,
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
  const titles: Tab<TabName>[] = shown.map(({ name, label, count }) => ({
    name,
    label: t(label),
    count: count?.(message) || undefined,
  }))
  const { value: View, problem } = useLoaded(row.name, row.load)
  const hasCard = message.event !== null && (row.name === 'html' || row.name === 'text')
  const { value: Card } = useLoaded(`card ${hasCard}`, async () => hasCard && (await tabs()).invitation)
  return (
    <Tabs<TabName> label={t('mail.views')} tabs={titles} selected={row.name} onSelect={select}>
      {problem && <ProblemState problem={problem} />}
      {hasCard && Card && <Card message={message} />}
      {View ? <View key={row.name} message={message} /> : <Skeleton />}
    </Tabs>
  )
}
