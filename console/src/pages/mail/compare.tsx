import { useState } from 'preact/hooks'
import { call, urlTo } from '../../api/client.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Dialog } from '../../components/dialog.tsx'
import { Choice } from '../../components/form.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { t } from '../../texts/index.ts'
import type { Message } from './use-message.ts'
import './compare.css'

/** Latest messages to choose from. */
const OFFERED = 200

type Read = (id: string) => Promise<readonly string[]>

/** The views that are lines of text. */
const readers: Readonly<Record<'headers' | 'text' | 'structure', Read>> = {
  headers: async (id) => (await call('messages.headers', { id })).headers.map(({ name, value }) => `${name}: ${value}`),
  text: async (id) => (await call('messages.text', { id })).split(/\r?\n/),
  structure: async (id) => {
    const { contentType, parts } = await call('messages.structure', { id })
    const lines = (parts as readonly { part: string; contentType: string; filename: string | null }[]).map(
      ({ part, contentType: type, filename }) => `${part} ${type}${filename === null ? '' : ` ${filename}`}`,
    )
    return [contentType, ...lines]
  },
}

type View = keyof typeof readers | 'html'

interface CompareProps {
  readonly message: Message
  readonly onClose: () => void
}

/** Shows a message beside another one: header, text, HTML, structure. Lines that only one has are marked. */
export function Compare({ message, onClose }: CompareProps) {
  const { value: others, problem } = useLoaded('others', async () =>
    (await call('messages.list', { limit: OFFERED })).items.filter(({ id }) => id !== message.id),
  )
  const [chosen, choose] = useState<string>()
  const [view, setView] = useState<View>('headers')
  // The latest one with the same subject is most likely meant.
  const other =
    others?.find(({ id }) => id === chosen) ?? others?.find(({ subject }) => subject === message.subject) ?? others?.[0]
  const tabs = [
    { name: 'headers', label: t('mail.tabHeaders') },
    { name: 'text', label: t('mail.tabText') },
    { name: 'html', label: t('mail.tabHtml') },
    { name: 'structure', label: t('mail.tabParts') },
  ] as const
  const ids = other && [message.id, other.id]
  return (
    <Dialog title={t('mail.compare')} size="large" onClose={onClose}>
      {problem ? (
        <ProblemState problem={problem} />
      ) : !others ? (
        <Skeleton lines={3} />
      ) : !ids ? (
        <p>{t('mail.compareNone')}</p>
      ) : (
        <>
          <Choice
            name="other"
            label={t('mail.compareWith')}
            value={other.id}
            choices={others.map(({ id, subject, receivedAt }) => ({
              value: id,
              label: `${subject || t('mail.noSubject')} · ${wholeTime(receivedAt)}`,
            }))}
            onChoose={choose}
          />
          <Tabs<View> label={t('mail.views')} tabs={tabs} selected={view} onSelect={setView}>
            {view === 'html' ? <Frames ids={ids} /> : <Lines key={view} view={view} ids={ids} />}
          </Tabs>
        </>
      )}
    </Dialog>
  )
}

/** The HTML of both. */
const Frames = ({ ids }: { readonly ids: readonly string[] }) => (
  <div class="compared">
    {ids.map((id, side) => (
      <iframe
        key={id}
        title={t(side === 0 ? 'mail.compareThis' : 'mail.compareOther')}
        sandbox=""
        src={urlTo('messages.html', { id, scheme: 'light' })}
        referrerpolicy="no-referrer"
      />
    ))}
  </div>
)

function Lines({ view, ids }: { readonly view: keyof typeof readers; readonly ids: readonly string[] }) {
  const { value, problem } = useLoaded(ids.join(' '), () => Promise.all(ids.map(readers[view])))
  if (problem) return <ProblemState problem={problem} />
  if (!value) return <Skeleton lines={4} />
  const known = value.map((lines) => new Set(lines))
  return (
    <div class="compared">
      {value.map((lines, side) => (
        <pre
          key={ids[side]}
          tabIndex={0}
          role="region"
          aria-label={t(side === 0 ? 'mail.compareThis' : 'mail.compareOther')}
        >
          {lines.map((line, index) => {
            const isShared = known[1 - side]?.has(line) ?? false
            return isShared ? (
              <span key={index}>{line || ' '}</span>
            ) : (
              <ins key={index} dir="auto">
                {line || ' '}
              </ins>
            )
          })}
        </pre>
      ))}
    </div>
  )
}
