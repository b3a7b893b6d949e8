import { describe, expect, it } from 'vitest'
import { type TlsDefectName, tlsDefects } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import { isLong } from '../../support/long.ts'
import { some } from '../../support/thorough.ts'
import { inspect } from './inspect.ts'

/** The checks that do not pass because of a defect, with their words. Those of the suites that a defect needs are left out. */
const expectations: Readonly<Record<TlsDefectName, Readonly<Record<string, RegExp>>>> = {
  'poodle-tls': { 'cbc-padding': /^fail: a record with wrong padding is accepted/ },
  bleichenbacher: { robot: /^fail: the answer depends on the padding.*wrong first octets: alert 51/ },
  freak: {
    freak: /^fail: a temporary RSA key of 512 bits replaces the certificate’s/,
    handshakes: /^fail: a handshake in TLSv1.2 fails: the server sends a message that the suite does not have$/,
    suites: /^fail: accepts export \(40 and 56 bits\)/,
  },
  logjam: { 'dh-groups': /^fail: 512 bits: below 2048 bits/, suites: /^fail: accepts export \(40 and 56 bits\)/ },
  'ccs-injection': { 'ccs-injection': /^fail: ChangeCipherSpec is accepted before the key exchange/ },
  heartbleed: { heartbleed: /^fail: a malformed heartbeat returns 16384 octets of the server’s memory/ },
  'no-downgrade-sentinel': { downgrade: /^fail: a downgrade from TLSv1.3 to TLSv1.2 is not marked/ },
  'no-fallback-scsv': { downgrade: /^warn: a client that fell back to TLSv1.2 is accepted, against RFC 7507/ },
  'no-secure-renegotiation': { renegotiation: /^fail: the server does not support secure renegotiation/ },
  downgrade: {
    downgrade: /^fail: a client that offers TLSv1.3 and TLSv1.2 gets TLSv1.2/,
    tls: /^fail: the server answers with TLSv1.2 .*, but no handshake can be finished: .* marks this as a downgrade$/,
  },
  'wrong-finished': { handshakes: /^fail: a handshake in TLSv1.2 fails: the server’s Finished message is wrong$/ },
  'wrong-signature': {
    'dh-groups': /^fail: 1024 bits/,
    handshakes: /^fail: a handshake in TLSv1.2 fails: the server’s signature of its key exchange is wrong$/,
  },
}

/** The settings under which a defect can be seen: 3DES and no ECDHE for each, and old versions for some. */
const companions = ['versions', 'suites', 'recommendations']

/** The short form takes each defect once. */
const cases = (Object.keys(tlsDefects) as TlsDefectName[]).flatMap((defect, index) =>
  (['pop3', 'http'] as const)
    .filter((_, column) => isLong || column === index % 2)
    .map((protocol) => ({ defect, protocol })),
)

describe('each defect of the protocol is reported, and its neighbour passes', () => {
  it.each(some(cases, 3))('$defect, $protocol', async ({ defect, protocol }) => {
    await using lab = await startLab({
      hostname: 'localhost',
      certificates: { key: 'rsa-2048' },
      virtualServers: [
        { name: 'healthy', protocol },
        { name: 'defective', protocol, tls: { defect } },
      ],
    })
    const look = (name: string) => inspect(protocol, lab.server(name).tlsPort, { ca: [lab.ca], implicitTls: true })
    const defective = await look('defective')
    const expected = expectations[defect]
    for (const [check, words] of Object.entries(expected)) expect(defective.words(check)).toMatch(words)
    const seen = defective.findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn')
    expect([...new Set([...companions, ...seen.map(({ check }) => check)])].sort()).toEqual(
      [...new Set([...companions, ...Object.keys(expected)])].sort(),
    )
    const healthy = await look('healthy')
    expect(healthy.findings.filter(({ outcome }) => outcome === 'fail' || outcome === 'warn')).toEqual([])
  })
})
