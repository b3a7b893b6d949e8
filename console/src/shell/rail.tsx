import { useEffect, useRef } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { Glyph } from '../components/icon.tsx'
import type { PageRow } from '../pages.ts'
import { t } from '../texts/index.ts'
import { attention } from './attention.ts'

/** The pages, at the left edge, or at the lower one of a phone. */
export function Rail({ pages, current }: { readonly pages: readonly PageRow[]; readonly current: string }) {
  const rail = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a phone, the rail scrolls.
    rail.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [current])
  return (
    <nav class="rail" aria-label={t('shell.pages')} ref={rail}>
      {pages.map(({ path, title, railTitle = title, icon }) => {
        const count = attention.value[path] ?? 0
        return (
          <Link key={path} href={`/${path}`} aria-current={path === current ? 'page' : undefined}>
            <Glyph icon={icon} size={20} />
            <span>{t(railTitle)}</span>
            {count > 0 && (
              <span class="rail-badge" title={t('shell.attention', { n: count })}>
                {count > 99 ? '99+' : count}
                <span class="hidden"> {t('shell.attention', { n: count })}</span>
              </span>
            )}
          </Link>
        )
      })}
    </nav>
  )
}
