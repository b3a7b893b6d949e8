import { useState } from 'preact/hooks'
import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Fact } from '../../../components/fact.tsx'
import { wholeTime } from '../../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { Tabs } from '../../../components/tabs.tsx'
import { t } from '../../../texts/index.ts'
import { addressText } from '../use-message.ts'
import HeadersTab from './headers-tab.tsx'
import HtmlTab from './html-tab.tsx'
import SourceTab from './source-tab.tsx'
import TextTab from './text-tab.tsx'

type View = 'html' | 'text' | 'headers' | 'source'

/** A message in a message. @param inside the number of its part */
export function NestedMessage({ id, inside }: { readonly id: string; readonly inside: string }) {
  const { value: message, problem } = useLoaded(`${id} ${inside}`, (signal) =>
    call('messages.get', { id, inside }, { signal }),
  )
  const [view, setView] = useState<View>()
  if (problem) return <ProblemState problem={problem} />
  if (!message) return <Skeleton />
  const views: View[] = [...(message.hasHtml ? (['html'] as const) : []), 'text', 'headers', 'source']
  const selected = view ?? (views[0] as View)
  const labels = {
    html: 'mail.tabHtml',
    text: 'mail.tabText',
    headers: 'mail.tabHeaders',
    source: 'mail.tabSource',
  } as const
  const tab = { message, inside }
  return (
    <article class="nested">
      <h3>{message.subject || t('mail.noSubject')}</h3>
      <dl class="facts beside">
        <Fact name={t('mail.from')}>
          <bdi>{message.from ? addressText(message.from) : t('mail.unknownSender')}</bdi>
        </Fact>
        <Fact name={t('mail.to')}>
          <bdi>{message.to.map(addressText).join(', ') || '–'}</bdi>
        </Fact>
        {message.date && <Fact name={t('mail.date')}>{wholeTime(message.date)}</Fact>}
      </dl>
      <Tabs<View>
        label={t('mail.views')}
        tabs={views.map((name) => ({ name, label: t(labels[name]) }))}
        selected={selected}
        onSelect={setView}
      >
        {selected === 'html' && <HtmlTab {...tab} />}
        {selected === 'text' && <TextTab {...tab} />}
        {selected === 'headers' && <HeadersTab {...tab} />}
        {selected === 'source' && <SourceTab {...tab} />}
      </Tabs>
    </article>
  )
}
