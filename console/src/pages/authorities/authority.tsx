import { call } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Copyable } from '../../components/copy-button.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { navigate, pathWith, useRoute } from '../../router.ts'
import { t } from '../../texts/index.ts'
import { AcmeView } from './acme.tsx'
import type { Authority } from './facts.ts'
import { IssuedTable } from './issued.tsx'
import { Revocation } from './revocation.tsx'

const tabNames = ['issued', 'revocation', 'acme'] as const

/** The YAML that turns the HTTP service of the authorities on. Ports are free ones beside the lab's. */
const SERVICE = 'certificates: { service: { port: 3080, tlsPort: 3443, acme: { httpPort: 5002, tlsAlpnPort: 5001 } } }'

interface AuthorityViewProps {
  readonly authority: Authority
  /** Grows with each change of the store. */
  readonly changes: number
  readonly onChange: () => void
}

/** One authority: what it has issued, what it publishes about revocation, and its ACME directory. */
export function AuthorityView({ authority, changes, onChange }: AuthorityViewProps) {
  const { query } = useRoute()
  const { name } = authority
  const selected = tabNames.find((one) => one === query.get('tab')) ?? 'issued'
  return (
    <section aria-label={name}>
      <h2>{name}</h2>
      <Tabs
        label={name}
        tabs={tabNames.map((one) => ({ name: one, label: t(`authorities.tab_${one}`) }))}
        selected={selected}
        onSelect={(tab) => navigate(pathWith(['authorities', name], { tab }), { replace: true })}
      >
        {selected === 'issued' ? (
          <IssuedTable authority={authority} changes={changes} onChange={onChange} />
        ) : (
          <Published name={name} tab={selected} changes={changes} />
        )}
      </Tabs>
    </section>
  )
}

function Published({
  name,
  tab,
  changes,
}: {
  readonly name: string
  readonly tab: 'revocation' | 'acme'
  readonly changes: number
}) {
  const { value, problem, again } = useLive(
    () => call('authorities.service', { name }),
    ({ name: event }) => event === 'configuration.reloaded',
    `${name} ${tab} ${changes}`,
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={4} />
  if (value.url === null) {
    return (
      <div class="published">
        <p>{t('authorities.serviceOff')}</p>
        <Copyable text={SERVICE} />
      </div>
    )
  }
  return (
    <div class="published">
      {tab === 'acme' ? <AcmeView name={name} service={value} /> : <Revocation service={value} />}
    </div>
  )
}
