import { type Check, type Found, fail, pass } from './checks/check.ts'
import { isResumed, resumableVersions, type SessionVersion, sessionOf } from './checks/resumption.ts'
import type { Probe } from './probe.ts'
import { describe } from './report.ts'
import { NotTested, VerifyError } from './types.ts'

/** The name and title of the findings, each of which is about a port and all others. */
export const crossPortResumption: Pick<Check, 'name' | 'title'> = {
  name: 'cross-port-resumption',
  title: 'resumption across ports',
}

/** A port with its certificate, and the sessions that it gives. */
interface Port {
  readonly probe: Probe
  readonly certificate: Buffer
  readonly versions: readonly SessionVersion[]
}

/**
 * Checks that no port resumes a session of a port with another certificate. In a resumed handshake the server shows no
 * certificate, so an attacker who redirects the client can pass one server off as another (ALPACA, https://alpaca-attack.com).
 */
export async function checkAcrossPorts(
  probes: readonly Probe[],
  note: (probe: Probe, found: Found) => void,
): Promise<void> {
  const ports: Port[] = []
  for (const probe of probes) ports.push(...(await portOf(probe).catch(replaceFailure<Port[]>([]))))
  if (ports.length < 2) return
  for (const port of ports) note(port.probe, await judge(port, ports))
}

/** Returns a port under TLS; nothing for one that other checks report. */
async function portOf(probe: Probe): Promise<Port[]> {
  const { certificates, unusable } = await probe.tls()
  const [leaf] = certificates
  return leaf && !unusable ? [{ probe, certificate: leaf.raw, versions: await resumableVersions(probe) }] : []
}

/** Returns a function that replaces a failure of the server, which other checks report, by a value. */
function replaceFailure<T>(value: T): (error: Error) => T {
  return (error) => {
    if (error instanceof VerifyError || error instanceof NotTested) return value
    throw error
  }
}

async function judge(port: Port, ports: readonly Port[]): Promise<Found> {
  const others = ports.filter(({ certificate }) => !certificate.equals(port.certificate))
  if (others.length === 0) return { outcome: 'not-applicable', words: 'all ports have the same certificate' }
  const tried: { from: string; version: SessionVersion; resumed: boolean }[] = []
  for (const other of others) {
    for (const version of other.versions.filter((one) => port.versions.includes(one))) {
      const session = await sessionOfPort(other.probe, version)
      if (!session) continue
      const resumed = await isResumed(port.probe, { maxVersion: version, session }).catch(replaceFailure(false))
      tried.push({ from: describe(other.probe.endpoint), version, resumed })
    }
  }
  const [crossed] = tried.filter(({ resumed }) => resumed)
  const facts = { tried }
  if (crossed) {
    const words = `a ${crossed.version} session of another port (${crossed.from}) is resumed, though this port has another certificate`
    return fail(`${words}: a client that resumes it takes this server for that one (ALPACA)`, facts)
  }
  return pass('sessions of ports with another certificate are not resumed', facts)
}

/** Returns a session of a port; undefined if it gives none. It is offered to all other ports, none of which may take it. */
const sessionOfPort = (probe: Probe, version: SessionVersion): Promise<Buffer | undefined> =>
  probe.once(`session for other ports, ${version}`, () => sessionOf(probe, version).catch(replaceFailure(undefined)))
