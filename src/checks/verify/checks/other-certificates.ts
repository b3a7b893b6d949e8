import type { X509Certificate } from 'node:crypto'
import type { Probe } from '../probe.ts'
import { ecdsaSuites, otherKeySuites } from '../tls/suite-classes.ts'
import { followChain, titleOf, wellFormedCertificates } from '../tls/trust.ts'
import { brokenChain, hasName, judgeDates, serverCertificates, weaknessesOf } from './certificate.ts'
import { type Check, fail, pass, warn } from './check.ts'
import { acceptedVersions } from './versions.ts'

/** Certificates that a server shows only to some clients. */
interface Shown {
  /** The clients: `in TLSv1`. */
  readonly where: string
  readonly certificates: readonly X509Certificate[]
}

/** Checks the certificates for older versions and for the other kind of key, which a current client does not see. */
export const otherCertificates: Check = {
  name: 'other-certificates',
  title: 'other certificates',
  async run(probe) {
    const { leaf } = await serverCertificates(probe)
    const others = new Map<string, Shown>()
    for (const shown of await certificatesShown(probe)) {
      const [first] = shown.certificates
      if (first && !first.raw.equals(leaf.raw))
        others.set(first.fingerprint256, others.get(first.fingerprint256) ?? shown)
    }
    if (others.size === 0) return pass('every handshake shows the same certificate')
    const named = [...others.values()].map((shown) => ({ ...shown, problems: problemsOf(shown, probe) }))
    const facts = {
      certificates: named.map(({ where, certificates: [first], problems }) => ({
        where,
        title: first && titleOf(first),
        problems,
      })),
    }
    const wrong = named.filter(({ problems }) => problems.length > 0)
    if (wrong.length === 0) return pass(`${named.map(({ where }) => where).join(', ')}: good`, facts)
    const words = wrong.map(({ where, problems }) => `${where}: ${problems.join(', ')}`).join('; ')
    // A server that accepts clients of the 1990s on purpose has a certificate that they support.
    return probe.endpoint.promises.weakSuites ? warn(words, facts) : fail(words, facts)
  },
}

async function certificatesShown(probe: Probe): Promise<Shown[]> {
  const classic = (await acceptedVersions(probe)).filter(({ wire }) => wire < 0x0304).reverse()
  const [highest] = classic
  if (!highest) return []
  const shown: Shown[] = []
  for (const [where, suites] of [
    ['with an RSA key', otherKeySuites],
    ['with an elliptic-curve key', ecdsaSuites],
  ] as const) {
    const answer = await probe.hello({ version: highest.wire, suites })
    if (answer.kind === 'hello') shown.push({ where, certificates: wellFormedCertificates(answer.certificates) })
  }
  const byVersion = classic.map(({ name, answer }) => ({
    where: `in ${name}`,
    certificates: wellFormedCertificates(answer.certificates),
  }))
  return [...shown, ...byVersion]
}

function problemsOf({ certificates }: Shown, { roots, endpoint, options }: Probe): string[] {
  const path = followChain(certificates, roots)
  const [leaf] = path.certificates
  if (!leaf) return []
  const dated = path.certificates.map((one) => judgeDates(one, options.now())).find(({ outcome }) => outcome === 'fail')
  return [
    ...(path.root ? [] : [brokenChain(path)]),
    ...(hasName(leaf, endpoint.serverName) ? [] : [`not issued to ${endpoint.serverName}`]),
    ...(dated ? [dated.words] : []),
    ...path.certificates.flatMap(weaknessesOf),
  ]
}
