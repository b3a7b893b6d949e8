import { useState } from 'preact/hooks'
import { call, type OutputOf } from '../../api/client.ts'
import { useLoaded } from '../../api/use-loaded.ts'
import { Copyable } from '../../components/copy-button.tsx'
import { hrefOf, pathWith } from '../../router.ts'
import { may, seesLab } from '../../state/caller.ts'
import { t } from '../../texts/index.ts'
import { platforms, RootsFile, urlOfFile } from '../authorities/trust.tsx'
import type { Handshake } from './facts.ts'
import type { Session } from './types.ts'

type Server = OutputOf<'virtualServers.list'>['items'][number]
type Cure = Session['cures'][number]
type Remedy = 'trust' | 'names' | 'renew' | 'policy' | 'access' | 'settings'

/** The remedies that the console offers for each cause, besides its text. */
const remedies: Readonly<Record<Cure['cause'], readonly Remedy[]>> = {
  'untrusted-root': ['trust'],
  'wrong-name': ['names'],
  'certificate-refused': ['names', 'trust'],
  'certificate-expired': ['renew'],
  'certificate-revoked': ['renew'],
  version: ['policy'],
  suite: ['policy'],
  'clear-text': ['settings'],
  'needs-tls': ['settings', 'access'],
  'client-certificate': ['access'],
  'wrong-password': ['settings'],
  'unknown-account': ['settings'],
  'account-state': ['settings'],
}

interface Facts {
  readonly session: Session
  readonly handshake: Handshake | undefined
  readonly server: Server | undefined
}

/** The cures for a client that was refused, with the button that does it where the lab can. */
export const Cures = (facts: Facts) => (
  <>
    {facts.session.cures.map((cure) => (
      <section key={`${cure.cause} ${cure.account}`} class="cure" aria-label={t('sessions.cureHint')}>
        <p>{t(`sessions.cure_${cure.cause}`, { account: cure.account ?? '' })}</p>
        {remedies[cure.cause].map((remedy) => (
          <RemedyView key={remedy} remedy={remedy} cure={cure} {...facts} />
        ))}
      </section>
    ))}
  </>
)

function RemedyView({ remedy, cure, ...facts }: Facts & { readonly remedy: Remedy; readonly cure: Cure }) {
  const { server, handshake, session } = facts
  switch (remedy) {
    case 'trust':
      return <TrustLine isLocal={/^(?:127\.|::1$|::ffff:127\.)/.test(session.remoteAddress)} />
    case 'names':
      return <Names {...facts} />
    case 'renew': {
      const { friendlyName, thumbprint } = handshake?.certificate ?? {}
      if (thumbprint === undefined || !seesLab()) return null
      return (
        <Link path={['certificates', thumbprint]}>{t('sessions.toCertificate', { name: friendlyName ?? '' })}</Link>
      )
    }
    case 'policy':
    case 'access':
      if (!server || !may('administer')) return null
      return (
        <>
          {remedy === 'policy' && handshake?.policy && (
            <p class="hint">
              {t('sessions.policyNow', { min: handshake.policy.minVersion, max: handshake.policy.maxVersion })}
              {handshake.policy.require128BitEncryption && ` ${t('sessions.policy128')}`}
            </p>
          )}
          <Link path={['servers', server.id]} query={{ tab: 'access' }}>
            {t('sessions.changePolicy', { server: server.name })}
          </Link>
        </>
      )
    case 'settings': {
      const { account } = cure
      if (account === undefined) return <Link path={['client-settings']}>{t('sessions.toSettings')}</Link>
      return (
        <Link path={['client-settings']} query={{ account }}>
          {t('sessions.toAccount', { account })}
        </Link>
      )
    }
  }
}

const Link = ({
  path,
  query = {},
  children,
}: {
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  readonly children: string
}) => (
  <a class="button" href={hrefOf(pathWith(path, query))}>
    {children}
  </a>
)

/** The names of the certificate beside the one that the client asked for. */
function Names({ session, handshake }: Facts) {
  const thumbprint = handshake?.certificate?.thumbprint
  // The certificate can be gone. Its names are then of no use.
  const { value: names } = useLoaded(thumbprint ?? '', async (signal) => {
    if (thumbprint === undefined || !seesLab()) return undefined
    const { names } = await call('certificates.get', { name: thumbprint }, { signal })
    return (names as readonly string[]).map((name) => name.replace(/^(?:dns|ip):/, ''))
  })
  const asked = session.tls?.serverName ?? session.hello?.serverName
  return (
    <>
      <p class="hint">
        {[
          asked && t('sessions.askedFor', { name: asked }),
          names && t('sessions.certificateNames', { names: names.join(', ') }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {seesLab() && <Link path={['certificates', 'wizard']}>{t('sessions.toWizard')}</Link>}
    </>
  )
}

/** Returns the platform of the browser, which is that of a client on the same machine. */
function ownPlatform(): string {
  const { userAgent } = navigator
  if (/iPhone|iPad/.test(userAgent)) return 'iOS, iPadOS'
  if (userAgent.includes('Android')) return 'Android'
  if (userAgent.includes('Windows')) return 'Windows'
  return userAgent.includes('Mac OS') ? 'macOS' : 'Debian, Ubuntu'
}

/** The line that makes one platform trust the lab, with the file that it takes. */
function TrustLine({ isLocal }: { readonly isLocal: boolean }) {
  const [chosen, choose] = useState(isLocal ? ownPlatform() : 'Windows')
  const platform = platforms.find(({ name }) => name === chosen)
  // Without the list, the file with all roots is offered alone.
  const { value: authorities = [] } = useLoaded('authorities', async (signal) =>
    seesLab() ? (await call('authorities.list', {}, { signal })).items : [],
  )
  return (
    <>
      <div class="actions">
        <select
          aria-label={t('sessions.platform')}
          value={chosen}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {platforms.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        {platform?.files.map((file) => (
          <RootsFile key={file} file={file} url={urlOfFile(file, authorities)} platform={chosen} />
        ))}
      </div>
      {platform?.line && <Copyable text={platform.line} />}
      {platform?.steps && <p class="hint">{t(platform.steps)}</p>}
    </>
  )
}
