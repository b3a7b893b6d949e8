import { useState } from 'preact/hooks'
import { call } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Glyph } from '../../../components/icon.tsx'
import { sizeText } from '../../../components/size.ts'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { iconOf, PartDownload, type PartFacts, PartPreview } from './part-preview.tsx'

type Part = PartFacts & { readonly encoding: string | null }

/** The MIME tree of a message, and the selected part. */
export default function PartsTab({ message: { id } }: TabProps) {
  const { value, problem } = useLoaded(id, (signal) => call('messages.structure', { id }, { signal }))
  const [chosen, choose] = useState<string>()
  if (problem) return <ProblemState problem={problem} />
  if (!value) return <Skeleton />
  const parts = value.parts as readonly Part[]
  const selected =
    parts.find(({ part }) => part === chosen) ?? parts.find(({ contentType }) => !contentType.startsWith('multipart/'))
  return (
    <div class="parts-tab">
      <div class="part-tree">
        <p>
          <code>{value.contentType}</code>
        </p>
        <ul>
          {parts.map((one) => (
            <li key={one.part} style={{ paddingInlineStart: `${one.part.split('.').length * 16 - 8}px` }}>
              <button
                type="button"
                aria-current={one === selected ? 'true' : undefined}
                onClick={() => choose(one.part)}
              >
                <Glyph icon={iconOf(one.contentType)} />
                <code>{one.part}</code>
                <span class="label">
                  {one.contentType}
                  {one.filename !== null && <span class="hint"> {one.filename}</span>}
                </span>
                <span class="hint">
                  {one.encoding ?? ''} {sizeText(one.sizeOctets)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      </div>
      {selected && (
        <section class="part-view" aria-label={t('mail.part', { part: selected.part })}>
          <div class="view-bar">
            <strong>{t('mail.part', { part: selected.part })}</strong>
            <code>{selected.contentType}</code>
            {!selected.contentType.startsWith('multipart/') && <PartDownload id={id} part={selected} />}
          </div>
          <PartPreview key={selected.part} id={id} part={selected} />
        </section>
      )}
    </div>
  )
}
