import { Badge } from '../../components/badge.tsx'
import { wholeTime } from '../../components/relative-time.tsx'
import { t } from '../../texts/index.ts'
import { type Certificate, toneOf } from './facts.ts'

const states = {
  expired: 'certificates.expired',
  'not yet valid': 'certificates.notYetValid',
  revoked: 'certificates.revoked',
} as const

/** How long a certificate is still valid, or why it is not. */
export const Lifetime = ({
  certificate,
}: {
  readonly certificate: Pick<Certificate, 'state' | 'daysLeft' | 'notAfter'>
}) => (
  <Badge tone={toneOf(certificate)} title={wholeTime(certificate.notAfter)}>
    {certificate.state === 'valid' ? t('certificates.days', { n: certificate.daysLeft }) : t(states[certificate.state])}
  </Badge>
)
