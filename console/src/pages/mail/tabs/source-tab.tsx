import { Download } from 'lucide-preact'
import { useMemo, useState } from 'preact/hooks'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Button } from '../../../components/button.tsx'
import { CopyButton } from '../../../components/copy-button.tsx'
import { saveBlob } from '../../../components/save-blob.ts'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { rawText } from './raw-text.ts'
import { type SourceSection, sourceSections } from './source.ts'

/** Longer bodies are folded at first. */
const FOLDED_LINES = 60
/** Most lines of a body that are shown. */
const SHOWN_LINES = 2_000

/** The message as it was received, in sections that fold. */
export default function SourceTab({ message: { id }, inside }: TabProps) {
  const { value: source, problem } = useLoaded(`${id} ${inside}`, (signal) => rawText(id, inside, signal))
  const sections = useMemo(() => (source === undefined ? [] : sourceSections(source)), [source])
  if (problem) return <ProblemState problem={problem} />
  if (source === undefined) return <Skeleton lines={12} />
  return (
    <div class="source-tab">
      <div class="view-bar">
        <CopyButton text={source}>{t('shell.copy')}</CopyButton>
        <Button kind="plain" icon={Download} onClick={() => saveBlob(new Blob([source]), `${id}.eml`)}>
          {t('mail.downloadEml')}
        </Button>
      </div>
      <div class="source" tabIndex={0} role="region" aria-label={t('mail.tabSource')}>
        {sections.map((section) => (
          <Section key={section.line} section={section} />
        ))}
      </div>
    </div>
  )
}

function Section({ section }: { readonly section: SourceSection }) {
  const { kind, lines, line } = section
  const [isAll, showAll] = useState(lines.length <= SHOWN_LINES)
  if (kind === 'boundary') return <pre class="boundary">{lines[0]}</pre>
  const title = kind === 'header' ? t('mail.sourceHeader') : t('mail.sourceBody')
  const shown = isAll ? lines : lines.slice(0, SHOWN_LINES)
  return (
    <details class={kind} open={kind === 'header' || lines.length <= FOLDED_LINES}>
      <summary>
        {title} <span class="hint">{t('mail.sourceLines', { n: lines.length, first: line })}</span>
      </summary>
      <pre>
        {kind === 'header' ? shown.map((one, at) => <HeaderLine key={`${line + at}`} line={one} />) : shown.join('\n')}
      </pre>
      {!isAll && <Button onClick={() => showAll(true)}>{t('mail.showAllLines', { n: lines.length })}</Button>}
    </details>
  )
}

/** A line of a header: its name and its encoded words stand out. RFC 2047. */
function HeaderLine({ line }: { readonly line: string }) {
  const [, name, rest = line] = /^([!-9;-~]+:)(.*)$/.exec(line) ?? []
  const parts = rest.split(/(=\?[^?\s]+\?[BQbq]\?[^?\s]*\?=)/)
  return (
    <>
      {name && <span class="field-name">{name}</span>}
      {parts.map((part, at) => (at % 2 === 1 ? <mark key={`${at} ${part}`}>{part}</mark> : part))}
      {'\n'}
    </>
  )
}
