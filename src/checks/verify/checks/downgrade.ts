import { FALLBACK_SCSV } from '../../../tls/negotiation/client-hello.ts'
import { allSuites, suites13 } from '../tls/suite-classes.ts'
import { type Check, fail, pass, warn } from './check.ts'
import { acceptedVersions } from './versions.ts'

/** The end of the server's random value in a TLS 1.2 handshake, and in older ones. RFC 8446 section 4.1.3. */
const sentinelOf = (version: number): Buffer => Buffer.from(`444f574e475244${version === 0x0303 ? '01' : '00'}`, 'hex')

const INAPPROPRIATE_FALLBACK = 86

/** Checks that an attacker who forces a client to an older version is detected. RFC 8446 section 4.1.3; RFC 7507. */
export const downgrade: Check = {
  name: 'downgrade',
  title: 'downgrade protection',
  async run(probe) {
    const accepted = await acceptedVersions(probe)
    const [next, highest] = accepted.slice(-2)
    if (!highest || !next) return pass('the server accepts one version, so there is nothing to downgrade to')
    const fallback = await probe.hello({ version: next.wire, suites: [...allSuites, FALLBACK_SCSV] })
    const current = await probe.hello({ version: highest.wire, alsoTls12: true, suites: [...suites13, ...allSuites] })
    if (highest.name === 'TLSv1.3' && current.kind === 'hello' && current.version !== highest.name) {
      const words = `a client that offers TLSv1.3 and TLSv1.2 gets ${current.version}, although TLSv1.3 alone is accepted`
      return fail(`${words}: current clients end such a handshake (RFC 8446 section 4.1.3)`)
    }
    const unmarked = accepted.filter(
      ({ wire, answer }) => wire < highest.wire && !answer.random.subarray(24).equals(sentinelOf(wire)),
    )
    const facts = {
      // RFC 7507 section 3
      fallbackRefused: fallback.kind !== 'hello',
      alert: fallback.kind === 'alert' ? fallback.alert : undefined,
      unmarked: unmarked.map(({ name }) => name),
    }
    // Mandatory only for servers that speak TLS 1.3.
    if (highest.name === 'TLSv1.3' && unmarked.length > 0) {
      const names = facts.unmarked.join(', ')
      return fail(
        `a downgrade from TLSv1.3 to ${names} is not marked in the ServerHello (RFC 8446 section 4.1.3)`,
        facts,
      )
    }
    if (fallback.kind === 'hello') {
      return warn(`a client that fell back to ${next.name} is accepted, against RFC 7507 (TLS_FALLBACK_SCSV)`, facts)
    }
    const alert =
      facts.alert === INAPPROPRIATE_FALLBACK || facts.alert === undefined ? '' : ` with alert ${facts.alert}`
    return pass(`a client that fell back to ${next.name} is refused${alert} (TLS_FALLBACK_SCSV)`, facts)
  },
}
