import { call, type OutputOf } from '../../api/client.ts'
import { useLive } from '../../api/use-live.ts'
import { Badge } from '../../components/badge.tsx'
import { Copyable } from '../../components/copy-button.tsx'
import { ProblemState, Skeleton } from '../../components/states.tsx'
import { t } from '../../texts/index.ts'
import { servingPorts, type VirtualServer } from './facts.ts'

type Verdicts = OutputOf<'virtualServers.verdicts'>
type Port = Verdicts['ports'][number]
type Verdict = Port['trusting']

/** Programs by the names that the API has. */
const PROGRAMS: Readonly<Record<string, string>> = { Windows: 'Outlook (Windows)' }

/** Returns the ports whose certificate clients judge alike, together. */
function alike(ports: readonly Port[]): readonly (readonly [Port, ...Port[]])[] {
  const groups = new Map<string, [Port, ...Port[]]>()
  for (const port of ports) {
    const key = JSON.stringify([port.trusting, port.others])
    const group = groups.get(key)
    if (group) group.push(port)
    else groups.set(key, [port])
  }
  return [...groups.values()]
}

/** Shows how OpenSSL and usual clients judge the certificate that a virtual server serves now. */
export function VerdictsOf({ server, serverName }: { readonly server: VirtualServer; readonly serverName: string }) {
  const { value, problem, again } = useLive(
    () => call('virtualServers.verdicts', { id: server.id, serverName }),
    ({ name }) => name === 'certificate.changed',
    `${server.id} ${serverName}`,
  )
  if (problem) return <ProblemState problem={problem} onRetry={() => void again()} />
  if (!value) return <Skeleton lines={4} />
  const commands = servingPorts(server, serverName)
  return (
    <section class="verdicts" aria-label={t('certificates.verdicts')}>
      <h3>{t('certificates.verdicts')}</h3>
      {alike(value.ports).map((group) => (
        <div key={group[0].port} class="verdict-group">
          {group.map(({ port, agreed }) => (
            <div key={port}>
              <span class="hint">
                {t('certificates.atPort', { port: `${port}` })} {agreed && `${agreed.version} · ${agreed.cipher}`}
              </span>
              {commands
                .filter((one) => one.port === port)
                .map(({ command }) => (
                  <Copyable key={command} text={`${command} -verify_hostname ${serverName} -CAfile lab-ca.pem`} />
                ))}
            </div>
          ))}
          <Judgements port={group[0]} />
        </div>
      ))}
      {value.failed.map(({ port, why }) => (
        <p key={port} class="wizard-verdict warning">
          ⚠ {t('certificates.atPort', { port: `${port}` })} {why}
        </p>
      ))}
    </section>
  )
}

function Judgements({ port: { trusting, others } }: { readonly port: Port }) {
  const clients = [...new Set([...trusting.clients, ...others.clients].map(({ client }) => client))]
  return (
    <table class="table verdict-table">
      <caption class="hidden">{t('certificates.verdicts')}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{t('certificates.trusting')}</th>
          <th scope="col">{t('certificates.notTrusting')}</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">openssl s_client</th>
          {[trusting, others].map(({ code, message, accepts }, index) => (
            <td key={index}>
              <State accepts={accepts} /> <code>{`Verify return code: ${code} (${message})`}</code>
            </td>
          ))}
        </tr>
        {clients.map((client) => (
          <tr key={client}>
            <th scope="row">{PROGRAMS[client] ?? client}</th>
            {[trusting, others].map((verdict, index) => (
              <td key={index}>
                <Says verdict={verdict} client={client} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Says({ verdict, client }: { readonly verdict: Verdict; readonly client: string }) {
  const found = verdict.clients.find((one) => one.client === client)
  if (!found) return <State accepts={verdict.accepts} />
  return (
    <>
      <State accepts={found.accepts} /> {found.says && <code>{found.says}</code>}
    </>
  )
}

const State = ({ accepts }: { readonly accepts: boolean }) => (
  <Badge tone={accepts ? 'good' : 'bad'}>{t(accepts ? 'certificates.accepts' : 'certificates.refuses')}</Badge>
)
