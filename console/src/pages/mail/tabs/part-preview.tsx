import { CalendarDays, Download, File, FileText, Image, Mail, Music, Video } from 'lucide-preact'
import { call, urlTo } from '../../../api/client.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import type { Icon } from '../../../components/icon.tsx'
import { ProblemState, Skeleton } from '../../../components/states.tsx'
import { t } from '../../../texts/index.ts'
import { CalendarCard } from './calendar-card.tsx'
import { NestedMessage } from './nested-message.tsx'

/** A part of a message, by its number in the outermost message. */
export interface PartFacts {
  readonly part: string
  readonly contentType: string
  readonly filename: string | null
  readonly sizeOctets: number
}

interface PreviewProps {
  readonly id: string
  readonly part: PartFacts
}

const MAX_TEXT_OCTETS = 512 * 1024
const HEX_OCTETS = 512

/** Types that the lab sends as what they are. */
const IMAGE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/

/** Invitations have the second type for old mail programs. */
export const isCalendar = (contentType: string): boolean => /^(?:text\/calendar|application\/ics)$/.test(contentType)

const ICONS: readonly (readonly [RegExp, Icon])[] = [
  [/^image\//, Image],
  [/^audio\//, Music],
  [/^video\//, Video],
  [/^message\//, Mail],
  [/^(?:text\/calendar|application\/ics)$/, CalendarDays],
  [/^text\/|pdf$/, FileText],
]

export const iconOf = (contentType: string): Icon => ICONS.find(([type]) => type.test(contentType))?.[1] ?? File

/** Shows a part: images, sound and video, texts, calendars, messages; others as octets. */
export function PartPreview({ id, part }: PreviewProps) {
  const { contentType, filename } = part
  const url = urlTo('messages.part', { id, part: part.part })
  if (IMAGE.test(contentType)) return <img class="preview-image" src={url} alt={filename ?? t('mail.image')} />
  if (contentType.startsWith('audio/')) return <audio controls src={url} />
  if (contentType.startsWith('video/')) return <video controls src={url} class="preview-image" />
  if (contentType === 'message/rfc822') return <NestedMessage id={id} inside={part.part} />
  if (isCalendar(contentType)) return <Calendar id={id} part={part} />
  if (contentType.startsWith('multipart/')) return <p class="hint">{t('mail.multipart')}</p>
  if (/^(?:text|message)\/|[/+](?:json|xml)$/.test(contentType)) return <TextPreview id={id} part={part} />
  return <HexPreview id={id} part={part} />
}

/** Returns the decoded octets of a part. */
const octetsOf = async ({ id, part }: PreviewProps, signal: AbortSignal): Promise<Blob> =>
  (await call('messages.part', { id, part: part.part }, { signal })) as Blob | string as Blob

async function partText(props: PreviewProps, signal: AbortSignal): Promise<string> {
  const octets: Blob | string = await octetsOf(props, signal)
  return typeof octets === 'string' ? octets : await octets.slice(0, MAX_TEXT_OCTETS).text()
}

function TextPreview(props: PreviewProps) {
  const { value: text, problem } = useLoaded(`${props.id} ${props.part.part}`, (signal) => partText(props, signal))
  if (problem) return <ProblemState problem={problem} />
  if (text === undefined) return <Skeleton />
  return (
    <pre class="preview-text" tabIndex={0}>
      {text}
    </pre>
  )
}

function Calendar(props: PreviewProps) {
  const { value: text, problem } = useLoaded(`${props.id} ${props.part.part}`, (signal) => partText(props, signal))
  if (problem) return <ProblemState problem={problem} />
  return text === undefined ? <Skeleton /> : <CalendarCard text={text} />
}

function HexPreview(props: PreviewProps) {
  const { value: dump, problem } = useLoaded(`${props.id} ${props.part.part}`, async (signal) => {
    const octets: Blob | string = await octetsOf(props, signal)
    return hexDump(new Uint8Array(await new Blob([octets]).slice(0, HEX_OCTETS).arrayBuffer()))
  })
  if (problem) return <ProblemState problem={problem} />
  if (dump === undefined) return <Skeleton />
  return (
    <>
      <p class="hint">{t('mail.firstOctets', { n: Math.min(HEX_OCTETS, props.part.sizeOctets) })}</p>
      <pre class="preview-text" tabIndex={0}>
        {dump}
      </pre>
    </>
  )
}

const ROW_OCTETS = 16

function hexDump(octets: Uint8Array): string {
  const rows: string[] = []
  for (let at = 0; at < octets.length; at += ROW_OCTETS) {
    const row = Array.from(octets.subarray(at, at + ROW_OCTETS))
    const hex = row.map((one) => one.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((one) => (one >= 0x20 && one < 0x7f ? String.fromCharCode(one) : '.')).join('')
    rows.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(3 * ROW_OCTETS - 1)}  ${text}`)
  }
  return rows.join('\n')
}

/** A link that downloads a part. */
export const PartDownload = ({ id, part }: PreviewProps) => (
  <a
    class="button"
    href={urlTo('messages.part', { id, part: part.part })}
    download={part.filename ?? `${id}-${part.part}`}
  >
    <Download size={16} aria-hidden="true" />
    {t('mail.download')}
  </a>
)
