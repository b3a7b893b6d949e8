import { Lock, LockKeyhole, ShieldAlert, ShieldCheck } from 'lucide-preact'
import type { Schemas } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { t } from '../../texts/index.ts'

/** Whether a message is signed and encrypted by S/MIME. */
export function SmimeBadges({ smime }: { readonly smime: Schemas['Smime'] | null }) {
  if (!smime) return null
  const { signature, encryption, problems } = smime
  const why = problems.join('; ')
  return (
    <>
      {signature === 'valid' && (
        <Badge tone="good" icon={ShieldCheck}>
          {t('mail.signed')}
        </Badge>
      )}
      {signature === 'invalid' && (
        <Badge tone="bad" icon={ShieldAlert} title={why}>
          {t('mail.badSignature')}
        </Badge>
      )}
      {encryption === 'opened' && (
        <Badge tone="good" icon={LockKeyhole}>
          {t('mail.opened')}
        </Badge>
      )}
      {encryption === 'closed' && (
        <Badge tone="warning" icon={Lock} title={why}>
          {t('mail.notOpened')}
        </Badge>
      )}
    </>
  )
}
