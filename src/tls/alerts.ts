/** What an alert of the client means to a person who set up the client or the server, by its number. RFC 8446 section 6, RFC 5246 section 7.2. */
const meanings: Readonly<Record<number, string>> = {
  10: 'the client did not expect the server’s message (alert 10)',
  20: 'the client could not verify a record (alert 20): something on the way changes it?',
  21: 'the client could not decrypt a record (alert 21)',
  22: 'the client finds a record too long (alert 22)',
  40: 'the client finds nothing acceptable in the handshake (alert 40)',
  41: 'the client has no certificate to show (alert 41)',
  42: 'the client finds the certificate bad (alert 42): is the host name in it, and the lab’s root installed?',
  43: 'the client cannot use this kind of certificate (alert 43)',
  44: 'the client finds the certificate revoked (alert 44)',
  45: 'the client finds the certificate expired (alert 45): compare the clocks',
  46: 'the client does not accept the certificate (alert 46): is the lab’s root installed there?',
  47: 'the client finds a parameter illegal (alert 47)',
  48: 'the client does not trust the issuer (alert 48): install the lab’s root there (sealpost ca export)',
  49: 'the client denies access (alert 49)',
  50: 'the client cannot read a message of the handshake (alert 50)',
  51: 'the client could not verify a signature or decrypt (alert 51)',
  60: 'the client is held to export strength (alert 60)',
  70: 'the client does not accept the protocol version (alert 70)',
  71: 'the client asks for stronger suites (alert 71)',
  80: 'the client reports an internal error (alert 80)',
  86: 'the client sees that it was made to use an older version (alert 86)',
  90: 'the user cancelled at the client (alert 90)',
  100: 'the client does not negotiate again (alert 100)',
  109: 'the client misses an extension (alert 109)',
  110: 'the client did not ask for an extension that it was sent (alert 110)',
  112: 'the client does not recognize the server’s name (alert 112)',
  113: 'the client finds the stapled OCSP response bad (alert 113)',
  115: 'the client does not know the pre-shared key (alert 115)',
  116: 'the client requires a certificate (alert 116)',
  120: 'the client knows none of the protocols offered by ALPN (alert 120)',
}

/**
 * The alert that ended a handshake, in plain words; undefined where it was none of those above. OpenSSL's names for alerts
 * differ from version to version: the number stays.
 */
export function clientAlert({ message }: Error): string | undefined {
  return alertMeaning(Number(/SSL alert number (\d+)/.exec(message)?.[1]))
}

export const alertMeaning = (alert: number): string | undefined => meanings[alert]
