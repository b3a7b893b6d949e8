/** Defects of the protocol that the engine for old clients can have on purpose, and what each one does. */
export const tlsDefects = {
  'poodle-tls': 'does not check the padding of CBC records (POODLE against TLS, CVE-2014-8730)',
  bleichenbacher: 'sends another alert if the RSA padding of the premaster secret is wrong (ROBOT, CVE-2017-13099)',
  freak: 'uses a temporary RSA key of 512 bits, also in suites that are not export suites (FREAK, CVE-2015-0204)',
  logjam: 'uses a Diffie-Hellman group of 512 bits in all suites (Logjam, CVE-2015-4000)',
  'ccs-injection': 'accepts a ChangeCipherSpec message before the keys are agreed on (CVE-2014-0224)',
  heartbleed:
    'answers heartbeat requests that claim more octets than they have (CVE-2014-0160); sends filler, never memory',
  'no-downgrade-sentinel': 'does not mark answers below its highest version (RFC 8446 section 4.1.3)',
  'no-fallback-scsv': 'ignores TLS_FALLBACK_SCSV (RFC 7507)',
  'no-secure-renegotiation': 'does not signal secure renegotiation (RFC 5746)',
  downgrade: 'answers clients of TLS 1.3 in TLS 1.2, with the downgrade sentinel, as if an attacker had hidden TLS 1.3',
  'wrong-finished': 'sends a Finished message that does not match the handshake',
  'wrong-signature': 'signs its Diffie-Hellman parameters wrongly',
} as const satisfies Record<string, string>
export type TlsDefectName = keyof typeof tlsDefects

export const tlsDefectNames = Object.keys(tlsDefects) as [TlsDefectName, ...TlsDefectName[]]
