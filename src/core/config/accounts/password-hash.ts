/** A hash that verifies a password, as its text describes it. */
export type PasswordHash =
  | { readonly kind: 'digest'; readonly algorithm: DigestName; readonly digest: Buffer; readonly salt: Buffer }
  | { readonly kind: 'md5-crypt'; readonly magic: string; readonly salt: string; readonly checksum: string }
  | {
      readonly kind: 'sha-crypt'
      readonly algorithm: 'sha256' | 'sha512'
      readonly rounds: number
      readonly salt: string
      readonly checksum: string
    }
  | { readonly kind: 'bcrypt'; readonly text: string }
  | Argon2Hash
  | { readonly kind: 'pbkdf2'; readonly rounds: number; readonly salt: Buffer; readonly digest: Buffer }
  | ScramPassword

/** RFC 9106. */
interface Argon2Hash {
  readonly kind: 'argon2'
  readonly variant: 'argon2i' | 'argon2id'
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly tag: Buffer
}

/** The keys of a password for SCRAM. RFC 5802 section 3. */
export interface ScramPassword {
  readonly kind: 'scram'
  readonly hash: 'SHA-1' | 'SHA-256'
  readonly iterations: number
  readonly salt: Buffer
  readonly stored: Buffer
  readonly server: Buffer
}

type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha512'

const digestOctets: Readonly<Record<DigestName, number>> = { md5: 16, sha1: 20, sha256: 32, sha512: 64 }

/** The most work of one log-on: a few seconds. A hash that needs more would stop all other log-ons for longer. */
const limits = {
  shaRounds: 1_000_000,
  pbkdf2Rounds: 2_000_000,
  bcryptCost: 14,
  memoryKiB: 256 << 10,
  argon2KiB: 1 << 20,
  lanes: 64,
}

/** Programs take 4 to 32 octets. */
const MAX_SALT_OCTETS = 128

const MAKE_ANOTHER = 'make another one, for example with: openssl passwd -6'

/**
 * Reads a hash: `$6$…`, `{SSHA512}…`.
 * @throws Error that says what is wrong. It contains nothing of the hash but its scheme
 */
export function parseHash(text: string): PasswordHash {
  const [, scheme, encoding, rest = ''] = /^\{([^}.]*)(?:\.([^}]*))?\}(.*)$/s.exec(text) ?? []
  if (scheme === undefined) return parseCrypt(text)
  const name = scheme.toUpperCase()
  const parse = Object.hasOwn(schemes, name) ? schemes[name] : undefined
  const decode = encoding === undefined ? undefined : encodings[encoding.toUpperCase()]
  if (!parse || (encoding !== undefined && !decode)) {
    const shown = `{${scheme}${encoding === undefined ? '' : `.${encoding}`}}`
    throw new Error(`the scheme ${shortenText(shown)} is not supported; ${MAKE_ANOTHER}`)
  }
  return parse(rest, decode)
}

const shortenText = (text: string): string => (text.length > 20 ? `${text.slice(0, 20)}…` : text)

type Decode = (text: string) => Buffer | undefined

const fromHex: Decode = (text) => (/^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined)
const fromBase64: Decode = (text) => (/^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined)

/** The suffixes of Dovecot's schemes. */
const encodings: Readonly<Record<string, Decode>> = { HEX: fromHex, B64: fromBase64, BASE64: fromBase64 }

type ParseScheme = (text: string, decode: Decode | undefined) => PasswordHash

const damagedHash = (what: string): Error => new Error(`the ${what} hash is damaged; ${MAKE_ANOTHER}`)

/** A digest, with the salt after it in salted schemes. https://doc.dovecot.org/main/core/config/auth/schemes.html */
const digest =
  (algorithm: DigestName, isSalted: boolean, usual: Decode = fromBase64): ParseScheme =>
  (text, decode) => {
    const octets = digestOctets[algorithm]
    // Dovecot accepts hexadecimal where the length tells it.
    const isHex = !isSalted && text.length === 2 * octets
    const found = (decode ?? (isHex ? fromHex : usual))(text)
    const saltOctets = (found?.length ?? 0) - octets
    if (!found || (isSalted ? saltOctets <= 0 || saltOctets > MAX_SALT_OCTETS : saltOctets !== 0))
      throw damagedHash(algorithm)
    return { kind: 'digest', algorithm, digest: found.subarray(0, octets), salt: found.subarray(octets) }
  }

/** A scheme that writes hashes as crypt does, with a certain beginning. */
const crypt =
  (beginning: RegExp): ParseScheme =>
  (text, decode) => {
    const plain = decode ? decode(text)?.toString('latin1') : text
    if (plain === undefined || !beginning.test(plain))
      throw new Error(`the hash does not fit its scheme; ${MAKE_ANOTHER}`)
    return parseCrypt(plain)
  }

/** PBKDF2 as Dovecot writes it: `$1$SALT$ROUNDS$HEX`. */
const pbkdf2: ParseScheme = (text) => {
  const [, salt, rounds, hex] = /^\$1\$([^$]+)\$(\d{1,9})\$([0-9a-f]{40})$/.exec(text) ?? []
  if (salt === undefined || hex === undefined || Number(rounds) === 0) throw damagedHash('PBKDF2')
  const count = atMost(Number(rounds), limits.pbkdf2Rounds, 'rounds')
  return { kind: 'pbkdf2', rounds: count, salt: Buffer.from(salt), digest: Buffer.from(hex, 'hex') }
}

/** ITERATIONS,SALT,STORED KEY,SERVER KEY. */
const scram =
  (hash: ScramPassword['hash'], octets: number): ParseScheme =>
  (text) => {
    const [count = '', ...parts] = text.split(',')
    const [salt, stored, server] = parts.map(fromBase64)
    const isValid = /^\d{1,9}$/.test(count) && Number(count) > 0 && parts.length === 3
    if (!isValid || !salt || salt.length > MAX_SALT_OCTETS || stored?.length !== octets || server?.length !== octets)
      throw damagedHash(`SCRAM-${hash}`)
    const iterations = atMost(Number(count), limits.pbkdf2Rounds, 'iterations')
    return { kind: 'scram', hash, iterations, salt, stored, server }
  }

/** Dovecot's schemes, and htpasswd's {SHA}. */
const schemes: Readonly<Record<string, ParseScheme>> = {
  CRYPT: crypt(/^\$/),
  'SHA512-CRYPT': crypt(/^\$6\$/),
  'SHA256-CRYPT': crypt(/^\$5\$/),
  'MD5-CRYPT': crypt(/^\$1\$/),
  MD5: crypt(/^\$1\$/),
  'BLF-CRYPT': crypt(/^\$2/),
  ARGON2: crypt(/^\$argon2/),
  ARGON2I: crypt(/^\$argon2i\$/),
  ARGON2ID: crypt(/^\$argon2id\$/),
  SHA: digest('sha1', false),
  SHA1: digest('sha1', false),
  SHA256: digest('sha256', false),
  SHA512: digest('sha512', false),
  'PLAIN-MD5': digest('md5', false, fromHex),
  'LDAP-MD5': digest('md5', false),
  SMD5: digest('md5', true),
  SSHA: digest('sha1', true),
  SSHA256: digest('sha256', true),
  SSHA512: digest('sha512', true),
  PBKDF2: pbkdf2,
  'SCRAM-SHA-1': scram('SHA-1', 20),
  'SCRAM-SHA-256': scram('SHA-256', 32),
}

/** The forms of crypt, by what comes before the second `$`. */
const cryptForms: Readonly<Record<string, (text: string) => PasswordHash>> = {
  1: md5Crypt,
  apr1: md5Crypt,
  5: (text) => shaCrypt(text, 'sha256'),
  6: (text) => shaCrypt(text, 'sha512'),
  '2a': bcrypt,
  '2b': bcrypt,
  '2y': bcrypt,
  argon2i: argon2,
  argon2id: argon2,
}

function parseCrypt(text: string): PasswordHash {
  const [, form = ''] = /^\$([^$]*)\$/.exec(text) ?? []
  const parse = Object.hasOwn(cryptForms, form) ? cryptForms[form] : undefined
  if (parse) return parse(text)
  if (/^[./0-9A-Za-z]{13}$/.test(text))
    throw new Error(`it looks like a hash of DES, which is not supported; ${MAKE_ANOTHER}`)
  if (text.startsWith('$')) throw new Error(`the scheme ${shortenText(`$${form}$`)} is not supported; ${MAKE_ANOTHER}`)
  throw new Error('is no hash; write {PLAIN} before a password in clear text')
}

/** https://httpd.apache.org/docs/2.4/misc/password_encryptions.html for apr1. */
function md5Crypt(text: string): PasswordHash {
  const [, magic, salt, checksum] = /^(\$(?:1|apr1)\$)([^$:]{0,8})\$([./0-9A-Za-z]{22})$/.exec(text) ?? []
  if (magic === undefined || salt === undefined || checksum === undefined) throw damagedHash('MD5-crypt')
  return { kind: 'md5-crypt', magic, salt, checksum }
}

const SHA_CRYPT = /^\$[56]\$(?:rounds=(\d{1,9})\$)?([./0-9A-Za-z]{0,16})\$([./0-9A-Za-z]+)$/
const MIN_ROUNDS = 1000

/** https://www.akkadia.org/drepper/SHA-crypt.txt */
function shaCrypt(text: string, algorithm: 'sha256' | 'sha512'): PasswordHash {
  const [, count = '5000', salt, checksum] = SHA_CRYPT.exec(text) ?? []
  if (salt === undefined || checksum?.length !== (algorithm === 'sha256' ? 43 : 86)) throw damagedHash('SHA-crypt')
  const rounds = atMost(Number(count), limits.shaRounds, 'rounds')
  if (rounds < MIN_ROUNDS) throw new Error(`the hash has fewer than ${MIN_ROUNDS} rounds; ${MAKE_ANOTHER}`)
  return { kind: 'sha-crypt', algorithm, rounds, salt, checksum }
}

function bcrypt(text: string): PasswordHash {
  const [, cost] = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(text) ?? []
  if (cost === undefined || Number(cost) < 4) throw damagedHash('bcrypt')
  atMost(Number(cost), limits.bcryptCost, 'cost')
  return { kind: 'bcrypt', text }
}

const ARGON2 = /^\$(argon2id?)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

/** https://github.com/P-H-C/phc-string-format for the text. */
function argon2(text: string): PasswordHash {
  const [, variant, m, t, p, saltText = '', tagText = ''] = ARGON2.exec(text) ?? []
  const [salt, tag] = [Buffer.from(saltText, 'base64'), Buffer.from(tagText, 'base64')]
  const [memoryKiB, passes, lanes] = [Number(m), Number(t), Number(p)]
  // RFC 9106 section 3.1
  const isValid = lanes > 0 && passes > 0 && memoryKiB >= 8 * lanes && salt.length >= 8 && tag.length >= 4
  if (variant === undefined || !isValid || Math.max(salt.length, tag.length) > MAX_SALT_OCTETS)
    throw damagedHash('Argon2')
  atMost(memoryKiB, limits.memoryKiB, 'KiB of memory')
  atMost(memoryKiB * passes, limits.argon2KiB, 'KiB of memory times passes')
  atMost(lanes, limits.lanes, 'lanes')
  return { kind: 'argon2', variant: variant as Argon2Hash['variant'], memoryKiB, passes, lanes, salt, tag }
}

/** @throws Error for a value that would take too long */
function atMost(value: number, limit: number, what: string): number {
  if (value > limit)
    throw new Error(`each log-on would take too long: ${what} ${value}, and the limit is ${limit}; ${MAKE_ANOTHER}`)
  return value
}
