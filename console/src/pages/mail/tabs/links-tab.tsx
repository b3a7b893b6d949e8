import { ExternalLink } from 'lucide-preact'
import { CopyButton } from '../../../components/copy-button.tsx'
import { Glyph } from '../../../components/icon.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'

/** Schemes that a browser may open. Others are only shown. */
const OPENS = /^(?:https?|mailto):/i

/** Codes to type elsewhere, and the targets of links. */
export default function LinksTab({ message: { links, codes } }: TabProps) {
  return (
    <div class="padded links-tab">
      <section>
        <h3>{t('mail.codes')}</h3>
        {codes.length === 0 && <p class="hint">{t('mail.noCodes')}</p>}
        <ul class="codes">
          {codes.map((code) => (
            <li key={code}>
              <code>{code}</code>
              <CopyButton text={code} />
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h3>{t('mail.links')}</h3>
        {links.length === 0 && <p class="hint">{t('mail.noLinks')}</p>}
        <ul class="links">
          {links.map(({ href, text }) => (
            <li key={`${href} ${text}`} title={text}>
              <CopyButton text={href} />
              {OPENS.test(href) ? (
                <a href={href} target="_blank" rel="noopener noreferrer">
                  {href} <Glyph icon={ExternalLink} size={13} />
                </a>
              ) : (
                <code>{href}</code>
              )}
            </li>
          ))}
        </ul>
      </section>
    </div>
  )
}
