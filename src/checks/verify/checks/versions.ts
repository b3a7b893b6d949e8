import type { Probe } from '../probe.ts'
import type { ServerHello } from '../tls/answer.ts'
import { acceptsSslv2 } from '../tls/sslv2.ts'
import { allSuites, suiteClasses, suites13 } from '../tls/suite-classes.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** A version that a server accepts, with its answer to a ClientHello that offers only this version. */
interface AcceptedVersion {
  readonly name: string
  /** As on the wire: 0x0303 is TLS 1.2. */
  readonly wire: number
  readonly answer: ServerHello
}

const versions: readonly (readonly [name: string, wire: number, suites: readonly number[]])[] = [
  ['SSLv3', 0x0300, allSuites],
  ['TLSv1', 0x0301, allSuites],
  ['TLSv1.1', 0x0302, allSuites],
  ['TLSv1.2', 0x0303, allSuites],
  ['TLSv1.3', 0x0304, suites13],
]

/** Offers each version from SSL 3.0 alone. Returns those that the server accepts, the oldest first. @throws NotTested VerifyError */
export function acceptedVersions(probe: Probe): Promise<readonly AcceptedVersion[]> {
  return probe.once('versions', async () => {
    await probe.tls()
    const accepted: AcceptedVersion[] = []
    for (const [name, wire, suites] of versions) {
      const answer = await probe.hello({ version: wire, suites })
      if (answer.kind === 'hello' && answer.version === name) accepted.push({ name, wire, answer })
    }
    return accepted
  })
}

/** Returns the highest version up to TLS 1.2 that the server accepts. TLS 1.3 has none of the flaws that later checks look for. */
export async function highestBefore13(probe: Probe): Promise<AcceptedVersion | undefined> {
  return (await acceptedVersions(probe)).filter(({ wire }) => wire < 0x0304).at(-1)
}

/** Checks which versions are accepted. */
export const versionsAccepted: Check = {
  name: 'versions',
  title: 'TLS versions',
  async run(probe) {
    const since3 = (await acceptedVersions(probe)).map(({ name }) => name)
    const accepted = (await acceptsSslv2(await probe.readyForTls())) ? ['SSLv2', ...since3] : since3
    const refused = ['SSLv2', ...versions.map(([name]) => name)].filter((name) => !accepted.includes(name))
    const { promises } = probe.endpoint
    const facts = { accepted, refused }
    const words = `accepted: ${joinNames(accepted)}; refused: ${joinNames(refused)}`
    const bad = accepted.filter((name) => !promises.versions.includes(name))
    if (bad.length > 0) {
      const rule = promises.by === 'the configuration' ? 'against the configuration' : 'against RFC 8996'
      return fail(`accepts ${joinNames(bad)}, ${rule} (${words})`, facts)
    }
    if (accepted.length === 0) return fail(`accepts no version (${words})`, facts)
    return pass(words, facts)
  },
}

/** Offers each class of weak suites alone, in the highest and the lowest version: a server can limit a class to old clients. */
export const suitesAccepted: Check = {
  name: 'suites',
  title: 'weak suites',
  async run(probe) {
    const classic = (await acceptedVersions(probe)).filter(({ wire }) => wire < 0x0304)
    if (classic.length === 0) return pass('TLS 1.3 has no weak suites')
    const offered = [...new Set([classic.at(-1)?.wire ?? 0, classic[0]?.wire ?? 0])]
    const accepted: (typeof suiteClasses)[number][] = []
    for (const row of suiteClasses) {
      for (const version of offered) {
        if ((await probe.hello({ version, suites: row.suites })).kind !== 'hello') continue
        accepted.push(row)
        break
      }
    }
    return judgeSuites(accepted, probe)
  },
}

function judgeSuites(accepted: typeof suiteClasses, { endpoint: { promises } }: Probe) {
  const names = accepted.map(({ name }) => name)
  const facts = { accepted: names, refused: suiteClasses.map(({ name }) => name).filter((one) => !names.includes(one)) }
  if (names.length === 0) return pass(`refused: ${joinNames(facts.refused)}`, facts)
  const broken = accepted.filter((one) => one.broken).map(({ name }) => name)
  if (broken.length > 0 && (promises.require128BitEncryption || !promises.weakSuites)) {
    const others = names.filter((name) => !broken.includes(name))
    return fail(`accepts ${joinNames(broken)}${others.length > 0 ? `; also ${joinNames(others)}` : ''}`, facts)
  }
  if (!promises.weakSuites) return warn(`accepts ${joinNames(names)}, which RFC 9325 section 4.1 forbids`, facts)
  return warn(`accepts ${joinNames(names)}; ${promises.by} allows it`, facts)
}

const joinNames = (names: readonly string[]): string => names.join(', ') || 'none'
