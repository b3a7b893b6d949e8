import type { ComponentChildren } from 'preact'
import { Badge } from '../../../components/badge.tsx'
import { Fact } from '../../../components/fact.tsx'
import { t } from '../../../texts/index.ts'
import type { TabProps } from '../use-message.ts'

type Authentication = NonNullable<TabProps['message']['authentication']>

const TONES: Readonly<Record<string, 'good' | 'bad' | 'warning'>> = {
  pass: 'good',
  fail: 'bad',
  softfail: 'warning',
  policy: 'warning',
  permerror: 'warning',
  temperror: 'warning',
}

/** SPF, DKIM, DMARC, ARC and BIMI: what a receiving server would find. RFC 8601. */
export function AuthenticationFacts({ results }: { readonly results: Authentication }) {
  const { spf, dkim, dmarc, arc, bimi } = results
  return (
    <section>
      <h3>{t('mail.authentication')}</h3>
      <dl class="facts beside">
        <Verdict name="SPF" {...spf} about={spf.domain} />
        {dkim.map((one, index) => (
          <Verdict key={index} name="DKIM" {...one} about={`${one.selector}._domainkey.${one.domain}`} />
        ))}
        {dkim.length === 0 && <Verdict name="DKIM" result="none" />}
        <Verdict name="DMARC" {...dmarc} about={dmarc.policy ? `${dmarc.domain} p=${dmarc.policy}` : dmarc.domain} />
        {arc.result !== 'none' && <Verdict name="ARC" {...arc} about={arc.domain} />}
        {bimi.result !== 'none' && bimi.result !== 'skipped' && (
          <Verdict name="BIMI" {...bimi} about={bimi.location} reason={bimi.reason ?? bimi.markType}>
            {bimi.indicator && (
              <img src={`data:image/svg+xml;base64,${bimi.indicator}`} alt={bimi.domain ?? ''} width={32} height={32} />
            )}
          </Verdict>
        )}
      </dl>
    </section>
  )
}

function Verdict({
  name,
  result,
  about,
  reason,
  children,
}: {
  readonly name: string
  readonly result: string
  readonly about?: string | undefined
  readonly reason?: string | undefined
  readonly children?: ComponentChildren
}) {
  return (
    <Fact name={name}>
      <Badge tone={TONES[result] ?? 'neutral'}>{result}</Badge> {about && <code>{about}</code>} {reason} {children}
    </Fact>
  )
}
