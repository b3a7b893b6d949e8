import type { CauseName } from '../../core/sessions/cures.ts'

const REISSUE = 'see sealpost cert show, and replace it with sealpost cert renew or sealpost cert issue'

/** The meaning of a client's alert, for the person who configured the client or the server. RFC 8446 section 6; RFC 5246 section 7.2. */
const meanings: Readonly<Record<number, string>> = {
  0: 'the client ended the handshake (alert 0, close_notify): someone cancelled it, or the client only probed the port',
  10: 'the client did not expect the server’s message (alert 10): look for a program between client and server that changes the data, or update the client',
  20: 'the client could not verify a record (alert 20): look for a program between client and server that changes the data, or update the client',
  21: 'the client could not decrypt a record (alert 21): look for a program between client and server that changes the data, or update the client',
  22: 'the client received a record that it considers too long (alert 22): look for a program between client and server that changes the data, or update the client',
  30: 'the client could not decompress a record (alert 30): turn off TLS compression in the client',
  40: 'the client found nothing acceptable in the handshake (alert 40): compare its versions and cipher suites with the tls keys of the virtual server',
  41: 'the client has no certificate to send (alert 41): install one on the client, or set clientCertificates: off',
  42: 'the client refuses the certificate as bad (alert 42): use a host name that the certificate contains, and install the lab’s root on the client (sealpost ca export)',
  43: 'the client does not support this kind of certificate (alert 43): assign one with another key or purpose',
  44: `the client refuses the certificate as revoked (alert 44): ${REISSUE}`,
  45: `the client refuses the certificate as expired (alert 45): compare the clocks of client and server, and ${REISSUE}`,
  46: 'the client does not accept the certificate (alert 46): install the lab’s root on the client (sealpost ca export)',
  47: 'the client refuses a handshake parameter (alert 47): a client that notices a downgrade to an older version sends this, too',
  48: 'the client does not trust the issuer (alert 48): install the lab’s root on the client (sealpost ca export)',
  49: 'the client denies access (alert 49): the certificate is valid, but a rule of the client forbids it',
  50: 'the client could not decode a handshake message (alert 50): look for a program between client and server that changes the data, or update the client',
  51: 'the client could not verify a signature or decrypt a message (alert 51): check with sealpost verify that the private key belongs to the certificate',
  60: 'the client is restricted to export strength (alert 60): allow export suites with tls.legacy',
  70: 'the client does not accept the protocol version (alert 70): compare tls.minVersion and tls.maxVersion with what it supports',
  71: 'the client requires stronger cipher suites or a stronger key (alert 71): change tls.ciphers, or issue a certificate with a longer key',
  80: 'the client reports an internal error (alert 80): see the client’s log',
  86: 'the client detected a fallback to an older version (alert 86): let it begin with the highest version that both allow',
  90: 'the user cancelled on the client (alert 90)',
  100: 'the client refuses to renegotiate (alert 100)',
  109: 'the client requires an extension that the server did not send (alert 109): see the client’s log for its name',
  110: 'the client received an extension that it did not ask for (alert 110): look for a program between client and server that changes the data, or update the client',
  111: 'the client could not fetch the certificate from its URL (alert 111)',
  112: 'the client does not recognize the server’s name (alert 112): use a host name that the certificate contains',
  113: 'the client refuses the stapled OCSP response (alert 113): see sealpost verify, or turn off tls.ocspStapling',
  114: 'the client refuses the hash of a certificate (alert 114)',
  115: 'the client does not know the pre-shared key (alert 115)',
  116: 'the client requires a certificate (alert 116): assign one to the virtual server',
  120: 'the client supports none of the protocols offered by ALPN (alert 120): offer one of them in the client, or none',
  121: 'the client requires Encrypted ClientHello (alert 121), which no virtual server offers',
}

/** Explains an alert that a client sent. */
export function clientAlertMeaning(number: number): string {
  return meanings[number] ?? `the client sent an alert that no standard defines (alert ${number})`
}

/** The cause that an alert of a client names, if there is a cure for it. OpenSSL sends 42 for a certificate of another host. */
export const alertCauses: Readonly<Record<number, CauseName>> = {
  40: 'suite',
  42: 'certificate-refused',
  43: 'certificate-refused',
  44: 'certificate-revoked',
  45: 'certificate-expired',
  46: 'certificate-refused',
  48: 'untrusted-root',
  60: 'suite',
  70: 'version',
  71: 'suite',
  86: 'version',
  112: 'wrong-name',
}
