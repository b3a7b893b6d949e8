import { OctetReader } from '../../../tls/negotiation/octets.ts'
import { rsaExportSuites, rsaSuites } from '../tls/suite-classes.ts'
import { type Check, fail, pass, warn } from './check.ts'
import { acceptedVersions } from './versions.ts'

/** Checks that the server does not encrypt with a short temporary RSA key, which can be factored. FREAK, CVE-2015-0204. */
export const freak: Check = {
  name: 'freak',
  title: 'FREAK',
  async run(probe) {
    const classic = (await acceptedVersions(probe)).filter(({ wire }) => wire < 0x0304)
    const [lowest, highest] = [classic[0], classic.at(-1)]
    if (!lowest || !highest) return pass('not possible in TLS 1.3')
    const usual = await probe.hello({ version: highest.wire, suites: rsaSuites })
    // Only export suites may have one. RFC 2246 section 7.4.3
    if (usual.kind === 'hello' && usual.keyExchange) {
      const words = `a temporary RSA key of ${bitsOf(usual.keyExchange)} bits replaces the certificate’s in suites that`
      return fail(`${words} are not for export, so flawed clients can be eavesdropped on (FREAK, CVE-2015-0204)`)
    }
    const weak = await probe.hello({ version: lowest.wire, suites: rsaExportSuites })
    if (weak.kind !== 'hello') return pass('no suite with a temporary RSA key is accepted')
    const words = `export suites with an RSA key of ${weak.keyExchange ? bitsOf(weak.keyExchange) : 512} bits are accepted`
    return probe.endpoint.promises.weakSuites
      ? warn(`${words}; ${probe.endpoint.promises.by} allows it`)
      : fail(`${words} (FREAK, CVE-2015-0204)`)
  },
}

const bitsOf = (keyExchange: Buffer): number => new OctetReader(keyExchange).vector16().length * 8
