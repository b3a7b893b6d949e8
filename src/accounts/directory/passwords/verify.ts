import { createHash, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import type { PasswordHash } from '../../../core/config/accounts/password-hash.ts'
import { runInSlices } from '../../../core/time/time-slice.ts'
import { makeKeys, scramHashes } from '../sasl/scram/keys.ts'
import { prepareInput } from '../saslprep/saslprep.ts'
import { isSameSecret } from '../secrets.ts'
import { computeInThread } from './hash-thread.ts'
import { md5Crypt } from './md5-crypt.ts'
import { shaCrypt } from './sha-crypt.ts'

/** The longest password that crypt takes, as libxcrypt has it. The work of SHA-crypt grows with the square of it. */
const MAX_CRYPT_OCTETS = 512
/** bcrypt ignores what comes after. */
const BCRYPT_OCTETS = 72

const deriveKey = promisify(pbkdf2)

/**
 * Returns whether a hash matches a password: as it is, or prepared (RFC 4013). The work depends on the hash and on what
 * was given, never on whether it is right.
 */
export async function verifyPassword(hash: PasswordHash, given: string): Promise<boolean> {
  const forms = [...new Set([given, prepareInput(given)])]
  let isRight = false
  for (const form of forms) isRight = (await isHashOf(hash, Buffer.from(form))) || isRight
  return isRight
}

async function isHashOf(hash: PasswordHash, password: Buffer): Promise<boolean> {
  // Programs in C that make hashes end a password at NUL, and do not hash an empty one.
  if (password.length === 0 || password.includes(0)) return false
  return verifiers[hash.kind](hash as never, password)
}

type Verifiers = {
  readonly [Kind in PasswordHash['kind']]: (
    hash: Extract<PasswordHash, { kind: Kind }>,
    password: Buffer,
  ) => boolean | Promise<boolean>
}

const verifiers: Verifiers = {
  digest({ algorithm, digest, salt }, password) {
    return isSameSecret(createHash(algorithm).update(password).update(salt).digest(), digest)
  },
  async 'md5-crypt'(hash, password) {
    return (
      password.length <= MAX_CRYPT_OCTETS && isSameSecret(await runInSlices(md5Crypt(hash, password)), hash.checksum)
    )
  },
  async 'sha-crypt'(hash, password) {
    return (
      password.length <= MAX_CRYPT_OCTETS && isSameSecret(await runInSlices(shaCrypt(hash, password)), hash.checksum)
    )
  },
  async bcrypt({ text }, password) {
    // $2a$, $2b$ and $2y$ differ only in defects of old programs.
    const options = { password: password.subarray(0, BCRYPT_OCTETS), hash: `$2a${text.slice(3)}` }
    return password.length <= MAX_CRYPT_OCTETS && (await computeInThread({ name: 'bcryptVerify', options })) === true
  },
  async argon2({ variant, memoryKiB, passes, lanes, salt, tag }, password) {
    const found = await computeInThread({
      name: variant,
      options: {
        password,
        salt,
        parallelism: lanes,
        iterations: passes,
        memorySize: memoryKiB,
        hashLength: tag.length,
        outputType: 'binary',
      },
    })
    return typeof found !== 'boolean' && isSameSecret(Buffer.from(found), tag)
  },
  async pbkdf2({ rounds, salt, digest }, password) {
    return isSameSecret(await deriveKey(password, salt, rounds, digest.length, 'sha1'), digest)
  },
  async scram({ hash, iterations, salt, stored }, password) {
    return isSameSecret((await makeKeys(scramHashes[hash], password.toString(), salt, iterations)).stored, stored)
  },
}
