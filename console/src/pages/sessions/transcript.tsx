import { Bug, ClipboardCopy } from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Button } from '../../components/button.tsx'
import { copyText } from '../../components/copy-button.tsx'
import { notify } from '../../components/toast.tsx'
import { navigate, pathWith } from '../../router.ts'
import { may } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { splitReply, verbOf } from './facts.ts'
import { type Entry, isOfClient, type Session } from './types.ts'

/** Entries that are shown at first: a long session has thousands. */
const SHOWN = 1_000

/** Shows what both sides sent, with the time since the start. Secrets are masked by the lab. */
export function Transcript({
  session,
  entries,
  isLive,
}: {
  readonly session: Session
  readonly entries: readonly Entry[]
  /** Whether further lines arrive. */
  readonly isLive: boolean
}) {
  const [shown, setShown] = useState(SHOWN)
  const [isFollowing, setFollowing] = useState(true)
  const end = useRef<HTMLDivElement>(null)
  const first = useRef(entries.length)
  useEffect(() => {
    if (isLive && isFollowing && entries.length !== first.current) end.current?.scrollIntoView({ block: 'nearest' })
  }, [entries.length, isLive, isFollowing])
  if (entries.length === 0 && !isLive) return <p class="hint transcript-empty">{t('sessions.noTranscript')}</p>
  return (
    <div class="session-transcript">
      <div class="transcript-bar">
        <p class="hint">{t('sessions.transcriptHint')}</p>
        {isLive && (
          <label class="check" title={t('sessions.followHint')}>
            <input
              type="checkbox"
              checked={isFollowing}
              onChange={(event) => setFollowing(event.currentTarget.checked)}
            />
            {t('sessions.follow')}
          </label>
        )}
      </div>
      <table class="transcript-lines">
        <caption class="hidden">{t('sessions.transcript')}</caption>
        <tbody aria-live={isLive ? 'polite' : undefined}>
          {(isLive ? entries : entries.slice(0, shown)).map((entry, index) => (
            <Line key={index} session={session} entry={entry} />
          ))}
        </tbody>
      </table>
      {!isLive && entries.length > shown && (
        <Button onClick={() => setShown(shown * 4)}>{t('sessions.moreLines', { n: entries.length - shown })}</Button>
      )}
      <div ref={end} />
    </div>
  )
}

function Line({ session, entry }: { readonly session: Session; readonly entry: Entry }) {
  const who = entry.kind === 'note' ? 'note' : isOfClient(session, entry.direction) ? 'client' : 'server'
  const verb = entry.kind === 'line' && who === 'client' ? verbOf(session.protocol, entry.text) : undefined
  return (
    <tr class={`line ${who}`}>
      <td class="at">{((Date.parse(entry.at) - Date.parse(session.startedAt)) / 1000).toFixed(3)}</td>
      <td class="who">
        {who !== 'note' && (
          <span title={t(`sessions.${who}Sent`)}>
            <span aria-hidden="true">{who === 'client' ? '→ C' : '← S'}</span>
            <span class="hidden">{t(`sessions.${who}Sent`)}</span>
          </span>
        )}
        {who !== 'note' && !entry.encrypted && (
          <span class="clear" title={t('sessions.clearHint')}>
            <span aria-hidden="true">∗</span>
            <span class="hidden">{t('sessions.clearHint')}</span>
          </span>
        )}
      </td>
      <td class="text">
        <Content protocol={session.protocol} entry={entry} isReply={who === 'server'} />
      </td>
      <td class="actions">
        {verb && session.direction !== 'out' && may('administer') && (
          <Button
            kind="plain"
            icon={Bug}
            label={t('sessions.makeFault', { verb })}
            onClick={() => navigate(pathWith(['faults'], { protocol: session.protocol, verb }))}
          />
        )}
        {entry.kind === 'line' && (
          <Button
            kind="plain"
            icon={ClipboardCopy}
            label={t('sessions.copyLine')}
            onClick={async () => {
              if (await copyText(entry.text)) notify(t('shell.copied'))
            }}
          />
        )}
      </td>
    </tr>
  )
}

function Content({
  protocol,
  entry,
  isReply,
}: {
  readonly protocol: string
  readonly entry: Entry
  readonly isReply: boolean
}) {
  if (entry.kind === 'note') return <em>{entry.text}</em>
  if (entry.kind === 'octets') return <em>{t('sessions.octets', { n: entry.octets })}</em>
  const reply = isReply ? splitReply(protocol, entry.text) : undefined
  if (!reply) return <code>{entry.text}</code>
  return (
    <code>
      {reply.before}
      <a href={reply.url} target="_blank" rel="noreferrer" title={t('sessions.standard')}>
        {reply.code}
      </a>
      {reply.after}
    </code>
  )
}
