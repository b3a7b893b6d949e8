import { Monitor, Moon, ShieldCheck, Smartphone, Sun, Tablet } from 'lucide-preact'
import { useMemo, useState } from 'preact/hooks'
import { call, urlTo } from '../../../api/client.ts'
import { Button } from '../../../components/button.tsx'
import { Glyph, type Icon } from '../../../components/icon.tsx'
import { EmptyState } from '../../../components/states.tsx'
import { remember, remembered } from '../../../state/preferences.ts'
import type { TextKey } from '../../../texts/catalogue.ts'
import { t } from '../../../texts/index.ts'
import { useLoaded } from '../use-loaded.ts'
import type { TabProps } from '../use-message.ts'
import { remoteContent } from './remote-content.ts'

type Width = 'phone' | 'tablet' | 'desktop'

/** Widths of the windows of mail programs, in CSS pixels. The desktop has all that there is. */
const WIDTHS: readonly { readonly name: Width; readonly icon: Icon; readonly label: TextKey; readonly px?: number }[] =
  [
    { name: 'phone', icon: Smartphone, label: 'mail.phone', px: 375 },
    { name: 'tablet', icon: Tablet, label: 'mail.tablet', px: 768 },
    { name: 'desktop', icon: Monitor, label: 'mail.desktop' },
  ]

const HEAVY_CHARS = 2 * 1024 * 1024
const HEAVY_TABLES = 2_000

/** Returns whether the browser would need long to lay out a message. It does nothing else meanwhile. */
const isHeavyHtml = (html: string): boolean =>
  html.length > HEAVY_CHARS || (html.match(/<(?:table|div|blockquote)\b/gi)?.length ?? 0) > HEAVY_TABLES

/**
 * The HTML of a message in a frame that runs no script and loads nothing. The lab sends it with a policy of its own, so that
 * it stays harmless outside of the frame, too.
 */
export default function HtmlTab({ message: { id, subject }, inside }: TabProps) {
  const [width, setWidth] = useState<Width>(remembered('mail.width', 'desktop'))
  const [scheme, setScheme] = useState<'light' | 'dark'>(remembered('mail.scheme', 'light'))
  const { value: html } = useLoaded(`${id} ${inside}`, (signal) => call('messages.html', { id, inside }, { signal }))
  const [isForced, force] = useState(false)
  const isHeavy = html !== undefined && !isForced && isHeavyHtml(html)
  const blocked = useMemo(() => (html === undefined || isHeavy ? undefined : remoteContent(html)), [html, isHeavy])
  const hasDark = html !== undefined && /color-scheme/i.test(html)
  const px = WIDTHS.find(({ name }) => name === width)?.px
  const setAndRemember = (next: 'light' | 'dark'): void => {
    setScheme(next)
    remember('mail.scheme', next)
  }
  return (
    <div class="html-tab">
      <div class="view-bar">
        <div class="segments" role="group" aria-label={t('mail.width')}>
          {WIDTHS.map(({ name, icon, label, px: wide }) => (
            <Button
              key={name}
              kind="plain"
              icon={icon}
              label={wide ? `${t(label)} (${wide} px)` : t(label)}
              aria-pressed={width === name}
              onClick={() => {
                setWidth(name)
                remember('mail.width', name)
              }}
            />
          ))}
        </div>
        <div class="segments" role="group" aria-label={t('mail.scheme')}>
          <Button
            kind="plain"
            icon={Sun}
            label={t('mail.light')}
            aria-pressed={scheme === 'light'}
            onClick={() => setAndRemember('light')}
          />
          <Button
            kind="plain"
            icon={Moon}
            label={t('mail.dark')}
            aria-pressed={scheme === 'dark'}
            onClick={() => setAndRemember('dark')}
          />
        </div>
        {scheme === 'dark' && html !== undefined && !hasDark && <span class="hint">{t('mail.noDark')}</span>}
        {blocked && blocked.length > 0 && (
          <details class="blocked">
            <summary>
              <Glyph icon={ShieldCheck} /> {t('mail.blocked', { n: blocked.length })}
            </summary>
            <div class="blocked-list">
              <p class="hint">{t('mail.blockedHint')}</p>
              <ul>
                {blocked.map(({ kind, url }) => (
                  <li key={`${kind} ${url}`}>
                    <span class="hint">{kind}</span> <code>{url}</code>
                  </li>
                ))}
              </ul>
            </div>
          </details>
        )}
      </div>
      <div class="frame-box">
        {isHeavy && (
          <EmptyState title={t('mail.heavy')}>
            <p>{t('mail.heavyHint')}</p>
            <Button onClick={() => force(true)}>{t('mail.showAnyway')}</Button>
          </EmptyState>
        )}
        {html !== undefined && !isHeavy && (
          <iframe
            key={scheme}
            title={subject || t('mail.tabHtml')}
            sandbox="allow-popups allow-popups-to-escape-sandbox"
            src={urlTo('messages.html', { id, inside, scheme })}
            style={{ width: px ? `${px}px` : '100%' }}
            referrerpolicy="no-referrer"
          />
        )}
      </div>
    </div>
  )
}
