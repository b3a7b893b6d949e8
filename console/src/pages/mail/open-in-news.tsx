import { Newspaper } from 'lucide-preact'
import { Link } from 'wouter-preact'
import { Glyph } from '../../components/icon.tsx'
import { t } from '../../texts/index.ts'
import { groupPath } from '../news/place.ts'

interface OpenInNewsProps {
  readonly newsgroup: string
  readonly article?: string
  /** Shows the icon only, as in a toolbar. */
  readonly onlyIcon?: boolean
}

/** A link from Mail to the same newsgroup or article on the page News, where it can be followed up and cancelled. */
export function OpenInNews({ newsgroup, article, onlyIcon = false }: OpenInNewsProps) {
  const label = t('mail.openInNews')
  return (
    <Link
      class={`button ${onlyIcon ? 'plain only-icon' : ''}`}
      href={groupPath(newsgroup, article === undefined ? {} : { article })}
      {...(onlyIcon ? { 'aria-label': label, title: label } : {})}
    >
      <Glyph icon={Newspaper} />
      {!onlyIcon && label}
    </Link>
  )
}
