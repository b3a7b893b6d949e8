import { t } from '../../texts/index.ts'

const steps = [
  ['verify.openServers', 'verify.openAgainHint'],
  ['verify.trustStep', 'verify.trustStepHint'],
  ['verify.runStep', 'verify.controlHint'],
  ['verify.judgeStep', 'verify.judgeStepHint'],
] as const

/** The steps of an audit, after one in which no client completed a session. */
export const FailedAudit = ({ detail }: { readonly detail: string }) => (
  <>
    <div class="verify-error" role="note">
      <h3>{t('verify.failed')}</h3>
      {/* The cures are written for a client that a command starts. */}
      <p>{detail.replaceAll(/\. To fix it: .*$/gm, '.')}</p>
    </div>
    <ol class="audit-steps failed-audit" aria-label={t('verify.steps')}>
      {steps.map(([title, hint]) => (
        <li key={title}>
          <h3>{t(title)}</h3>
          <p>{t(hint)}</p>
        </li>
      ))}
    </ol>
  </>
)
