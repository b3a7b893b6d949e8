/**
 * Questions about TLS that only the OpenSSL of this Node.js can answer. Each is answered by trying. `node:tls` is loaded
 * only when a configuration needs an answer.
 */
const tls = () => process.getBuiltinModule('node:tls')

/** How this Node.js is named in messages. */
export const opensslName = `Node.js ${process.versions.node} (OpenSSL ${process.versions.openssl})`

/** Returns why OpenSSL refuses a cipher string: it names no suite that exists, or it is not a cipher string. */
export function cipherStringError(ciphers: string): 'no suite' | 'syntax' | undefined {
  try {
    tls().createSecureContext({ ciphers })
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ERR_SSL_NO_CIPHER_MATCH' || code === 'ERR_INVALID_ARG_VALUE' ? 'no suite' : 'syntax'
  }
}

/** Returns the items of a cipher string that add suites, but name none that this OpenSSL has. OpenSSL ignores them. */
export function unknownCiphers(ciphers: string): string[] {
  const items = ciphers.split(/[:, ]+/).map((item) => item.replace(/@.*$/, ''))
  return items.filter((item) => /^\w/.test(item) && cipherStringError(item) === 'no suite')
}

/** Suites below 128 bits, as OpenSSL names them. 3DES is not among them, because Exchange counted it as 168 bits. */
const BELOW_128_BITS = '!NULL:!EXPORT:!LOW:!DES'

/** Returns a cipher string without its suites below 128 bits. TLS 1.3 has no such suites. */
export const atLeast128Bits = (ciphers: string): string =>
  isTls13Only(ciphers) ? ciphers : `${ciphers}:${BELOW_128_BITS}`

/** Returns whether a cipher string names suites of TLS 1.3 only. Node.js then speaks no other version. */
export const isTls13Only = (ciphers: string): boolean => ciphers.split(':').every((item) => /^(TLS_|$)/.test(item))

const known = new Map<string, boolean>()

/** Returns whether this OpenSSL supports a key-exchange group, such as X25519MLKEM768. */
export function supportsGroup(name: string): boolean {
  const cached = known.get(name)
  if (cached !== undefined) return cached
  const supported = isGroupName(name) && accepts(name)
  known.set(name, supported)
  return supported
}

/** OpenSSL also takes lists and options of them (`?X25519`, `DEFAULT`, `P-256:P-384`), which are not names. */
const isGroupName = (name: string): boolean => /^[A-Za-z0-9][\w-]*$/.test(name) && !/^(?:auto|DEFAULT)$/i.test(name)

function accepts(ecdhCurve: string): boolean {
  try {
    tls().createSecureContext({ ecdhCurve })
    return true
  } catch {
    // Node.js 20 keeps the error, and the next `createPrivateKey` would fail because of it.
    tls().createSecureContext()
    return false
  }
}

/** Groups to suggest: those that TLS clients offer, and that this OpenSSL has. */
export const usualGroups = (): string[] =>
  ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024', 'X25519', 'P-256', 'P-384', 'P-521', 'X448'].filter(
    supportsGroup,
  )
