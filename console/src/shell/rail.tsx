import { Link } from 'wouter-preact'
import { Glyph } from '../components/icon.tsx'
import type { PageRow } from '../pages.ts'
import { t } from '../texts/index.ts'
import { attention } from './attention.ts'

/** The pages, at the left edge, or at the lower one of a phone. */
export const Rail = ({ pages, current }: { readonly pages: readonly PageRow[]; readonly current: string }) => (
  <nav class="rail" aria-label={t('shell.pages')}>
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
