import type { OutputOf } from '../../api/client.ts'
import { Fact } from '../../components/fact.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'

/** The summary of a certificate in a file. */
export type Summary = OutputOf<'certificates.import'>

/** The certificate in a file, before it is installed. */
export function CertificateSummary({ summary }: { readonly summary: Summary }) {
  const { subject, names, issuer, notBefore, notAfter, key, purposes, chain, usedBy, friendlyName, thumbprint } =
    summary
  const rows: readonly (readonly [TextKey, string])[] = [
    ['certificates.subject', subject],
    ['certificates.names', names.map((name) => name.replace(/^(?:dns|ip):/, '')).join(', ')],
    ['certificates.issuer', issuer],
    ['certificates.validFrom', wholeTime(notBefore)],
    ['certificates.validTo', wholeTime(notAfter)],
    ['certificates.key', key],
    ['certificates.purposes', purposes.join(', ') || t('certificates.everyPurpose')],
    ['certificates.chain', chain.join(' → ')],
    ['certificates.servedBy', usedBy.join(', ')],
    ['certificates.friendlyName', friendlyName],
    ['certificates.thumbprint', thumbprint],
  ]
  return (
    <>
      {summary.completedTo !== undefined && <p>{t('wizard.completes', { authority: summary.completedTo })}</p>}
      <dl class="wizard-summary">
        {rows.map(([name, value]) => (
          <Fact key={name} name={t(name)}>
            {value || '–'}
          </Fact>
        ))}
      </dl>
      {summary.warnings.length === 0 ? (
        <p class="wizard-verdict">✓ {t('wizard.noWarnings')}</p>
      ) : (
        summary.warnings.map((warning) => (
          <p key={warning} class="wizard-verdict warning">
            ⚠ {warning}
          </p>
        ))
      )}
    </>
  )
}
