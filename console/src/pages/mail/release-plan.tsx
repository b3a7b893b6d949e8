import type { OutputOf } from '../../api/client.ts'
import { t } from '../../texts/index.ts'

export type Plan = OutputOf<'messages.releaseMany'>

/** Messages that are listed. */
const SHOWN = 5

/** The plan for released messages: their recipients by connector, and what is refused and why. */
export function ReleasePlan({ plan: { released, refused } }: { readonly plan: Plan }) {
  const deliveries = released.flatMap(({ id, to, deliveries: all }) => all.map((one) => ({ id, to, ...one })))
  const reasons = [...new Set(refused.map(({ detail }) => detail))]
  return (
    <>
      {deliveries.length > 0 && (
        <ul>
          {deliveries.slice(0, SHOWN).map(({ id, to, connector, destination, mailFrom, recipients }) => (
            <li key={`${id} ${connector} ${destination}`}>
              {t('mail.releaseDelivery', {
                recipients: recipients.join(', '),
                connector,
                destination,
                from: mailFrom || '<>',
              })}
              {!recipients.every((one) => to.includes(one)) && (
                <span class="hint">{t('mail.releaseInstead', { recipients: to.join(', ') })}</span>
              )}
            </li>
          ))}
          {deliveries.length > SHOWN && <li>{t('mail.releaseMore', { n: deliveries.length - SHOWN })}</li>}
        </ul>
      )}
      {refused.length > 0 && (
        <div class="release-refusal">
          <strong>
            {released.length === 0 ? t('mail.releaseNothing') : t('mail.releaseRefused', { n: refused.length })}:
          </strong>
          <ul>
            {reasons.slice(0, SHOWN).map((detail) => (
              <li key={detail}>{detail}</li>
            ))}
            {reasons.length > SHOWN && <li>{t('mail.releaseMore', { n: reasons.length - SHOWN })}</li>}
          </ul>
        </div>
      )}
      {released.length === 0 && refused.length === 0 && <p class="hint">{t('mail.releaseEmpty')}</p>}
    </>
  )
}
