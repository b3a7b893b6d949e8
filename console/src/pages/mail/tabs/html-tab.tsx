import { Columns2, Moon, ShieldCheck, Sun } from 'lucide-preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { call, type OutputOf } from '../../../api/client.ts'
import { type Problem, problemOf } from '../../../api/problem.ts'
import { useLoaded } from '../../../api/use-loaded.ts'
import { Button } from '../../../components/button.tsx'
import { Glyph, type Icon } from '../../../components/icon.tsx'
import { EmptyState, ProblemState } from '../../../components/states.tsx'
import { may } from '../../../state/caller.ts'
import { remember, remembered } from '../../../state/preferences.ts'
import type { TextKey } from '../../../texts/catalogue.ts'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'
import { type Look, Preview, type Width, widths } from './preview.tsx'
import { remoteContent } from './remote-content.ts'

const LOOKS: readonly { readonly name: Look; readonly icon: Icon; readonly label: TextKey }[] = [
  { name: 'light', icon: Sun, label: 'mail.light' },
  { name: 'dark', icon: Moon, label: 'mail.dark' },
  { name: 'both', icon: Columns2, label: 'mail.sideBySide' },
]

const HEAVY_CHARS = 2 * 1024 * 1024
const HEAVY_TABLES = 2_000

/** Returns whether the browser would need long to lay out a message. It does nothing else meanwhile. */
const isHeavyHtml = (html: string): boolean =>
  html.length > HEAVY_CHARS || (html.match(/<(?:table|div|blockquote)\b/gi)?.length ?? 0) > HEAVY_TABLES

type Remote = OutputOf<'messages.remoteContent'>

/** Lets the lab fetch the remote images of a message, and forgets them with the view or when the lab does. */
function useRemote(key: string, input: { readonly id: string; readonly inside: string | undefined }) {
  const [state, setState] = useState<{ remote?: Remote; problem?: Problem; isBusy?: boolean; key: string }>({ key })
  const { remote, problem, isBusy = false } = state.key === key ? state : {}
  useEffect(() => {
    if (!remote) return
    const timer = setTimeout(() => setState({ key }), Date.parse(remote.expiresAt) - Date.now())
    return () => clearTimeout(timer)
  }, [remote])
  const show = (): void => {
    setState({ key, isBusy: true })
    // Another message may be shown before the answer arrives.
    const finish = (end: Pick<typeof state, 'remote' | 'problem'>): void =>
      setState((now) => (now.key === key ? { key, ...end } : now))
    call('messages.remoteContent', input).then(
      (remote) => finish({ remote }),
      (error) => finish({ problem: problemOf(error) }),
    )
  }
  return { remote, problem, isBusy, show }
}

const resultOf = ({ resources }: Remote, url: string) =>
  resources.find((one) => one.url === url || one.url === `https:${url}`)

/** The result for one URL. The browser lists more than the lab fetches: style sheets, fonts and films stay blocked. */
function Outcome({ remote, url }: { readonly remote: Remote; readonly url: string }) {
  const found = resultOf(remote, url)
  return <span class="hint">{found ? (found.reason ?? t('mail.fetched')) : t('mail.stillBlocked')}</span>
}

/**
 * The HTML of a message in a frame that runs no script and loads nothing. The lab sends it with a policy of its own, so that
 * it stays harmless outside of the frame, too.
 */
export default function HtmlTab({ message: { id, subject }, inside }: TabProps) {
  const [known, setWidth] = useState<Width>(remembered('mail.width', 'full'))
  // Earlier versions remembered other names.
  const width = widths.includes(known) ? known : 'full'
  const [look, setLook] = useState<Look>(remembered('mail.scheme', 'light'))
  const { value: html } = useLoaded(`${id} ${inside}`, (signal) => call('messages.html', { id, inside }, { signal }))
  const [isForced, force] = useState(false)
  const isHeavy = html !== undefined && !isForced && isHeavyHtml(html)
  const blocked = useMemo(() => (html === undefined || isHeavy ? undefined : remoteContent(html)), [html, isHeavy])
  const { remote, problem, isBusy, show } = useRemote(`${id} ${inside}`, { id, inside })
  const hasDark = html !== undefined && /color-scheme/i.test(html)
  return (
    <div class="html-tab">
      <div class="view-bar">
        <div class="segments" role="group" aria-label={t('mail.width')}>
          {widths.map((one) => (
            <Button
              key={one}
              kind="plain"
              class="preview-width"
              title={one === 'full' ? t('mail.fullWidth') : `${one} px`}
              aria-pressed={width === one}
              onClick={() => {
                setWidth(one)
                remember('mail.width', one)
              }}
            >
              {one === 'full' ? t('mail.full') : one}
            </Button>
          ))}
        </div>
        <div class="segments" role="group" aria-label={t('mail.scheme')}>
          {LOOKS.map(({ name, icon, label }) => (
            <Button
              key={name}
              kind="plain"
              icon={icon}
              label={t(label)}
              aria-pressed={look === name}
              onClick={() => {
                setLook(name)
                remember('mail.scheme', name)
              }}
            />
          ))}
        </div>
        {look !== 'light' && html !== undefined && !hasDark && <span class="hint">{t('mail.noDark')}</span>}
        {blocked && blocked.length > 0 && (
          <details class="blocked">
            <summary>
              <Glyph icon={ShieldCheck} />{' '}
              {t('mail.blocked', {
                n: blocked.filter(({ url }) => !remote || resultOf(remote, url)?.reason !== null).length,
              })}
            </summary>
            <div class="blocked-list">
              <p class="hint">{t(remote ? 'mail.shownOnceHint' : 'mail.blockedHint')}</p>
              {may('administer') && !remote && (
                <Button disabled={isBusy} onClick={show}>
                  {t('mail.showOnce')}
                </Button>
              )}
              {problem && <ProblemState problem={problem} />}
              <ul>
                {blocked.map(({ kind, url }) => (
                  <li key={`${kind} ${url}`}>
                    <span class="hint">{kind}</span> <code>{url}</code>{' '}
                    {remote && <Outcome remote={remote} url={url} />}
                  </li>
                ))}
              </ul>
            </div>
          </details>
        )}
      </div>
      {isHeavy && (
        <EmptyState title={t('mail.heavy')}>
          <p>{t('mail.heavyHint')}</p>
          <Button onClick={() => force(true)}>{t('mail.showAnyway')}</Button>
        </EmptyState>
      )}
      {html !== undefined && !isHeavy && (
        <Preview
          id={id}
          inside={inside}
          remote={remote?.id}
          title={subject || t('mail.tabHtml')}
          width={width}
          look={look}
        />
      )}
    </div>
  )
}
