import crypto, {
  createPrivateKey,
  createPublicKey,
  type KeyPairKeyObjectResult,
  type RSAKeyPairKeyObjectOptions,
} from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inject } from 'vitest'

// RSA keys took a tenth of the CPU time of all tests. The processes of a test run share a few keys of each size: the first
// process that needs one generates it. A process gets them in turn, so that the keys of one test differ.

/** How many keys of each size there are. No test needs as many different ones. */
const KEYS = 24

/** Chooses the overload that returns keys as objects. */
type Pair = RSAKeyPairKeyObjectOptions

type Callback = (error: Error | null, publicKey?: unknown, privateKey?: unknown) => void

const installed = Symbol.for('sealpost.rsaKeys')
if (!(installed in crypto.generateKeyPair)) install(inject('rsaKeys'))

function install(folder: string): void {
  const { generateKeyPair, generateKeyPairSync } = crypto
  const generate = promisify(generateKeyPair)
  const taken = new Map<number, number>()
  const known = new Map<string, Buffer>()

  /** Returns the file of the next key of a size. */
  function nextFile(modulusLength: number): string {
    const number = taken.get(modulusLength) ?? 0
    taken.set(modulusLength, (number + 1) % KEYS)
    return join(folder, `${modulusLength}-${number}.der`)
  }

  function read(file: string): KeyPairKeyObjectResult | undefined {
    try {
      const octets = known.get(file) ?? readFileSync(file)
      known.set(file, octets)
      const privateKey = createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' })
      return { privateKey, publicKey: createPublicKey(privateKey) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Keeps a key for the next one who needs it. Another process may do the same at this moment. */
  function keep(file: string, pair: KeyPairKeyObjectResult): KeyPairKeyObjectResult {
    const unfinished = `${file}.${process.pid}`
    writeFileSync(unfinished, pair.privateKey.export({ format: 'der', type: 'pkcs8' }))
    renameSync(unfinished, file)
    return pair
  }

  async function shared(modulusLength: number): Promise<KeyPairKeyObjectResult> {
    const file = nextFile(modulusLength)
    return read(file) ?? keep(file, await generate('rsa', { modulusLength }))
  }

  async function pairOf(type: string, options?: object): Promise<KeyPairKeyObjectResult> {
    const modulusLength = sharedLength(type, options)
    return modulusLength === undefined ? generate(type as 'rsa', options as Pair) : shared(modulusLength)
  }

  function withCallback(type: string, ...rest: [object | Callback, Callback?]): void {
    const [options, callback] = rest
    const modulusLength = sharedLength(type, options)
    if (modulusLength === undefined) return Reflect.apply(generateKeyPair, crypto, [type, ...rest])
    shared(modulusLength).then(
      ({ publicKey, privateKey }) => callback?.(null, publicKey, privateKey),
      (error) => callback?.(error),
    )
  }

  function pairOfSync(type: string, options?: object): KeyPairKeyObjectResult {
    const modulusLength = sharedLength(type, options)
    if (modulusLength === undefined) return generateKeyPairSync(type as 'rsa', options as Pair)
    const file = nextFile(modulusLength)
    return read(file) ?? keep(file, generateKeyPairSync('rsa', { modulusLength }))
  }

  Object.assign(withCallback, { [promisify.custom]: pairOf, [installed]: true })
  Object.assign(crypto, { generateKeyPair: withCallback, generateKeyPairSync: pairOfSync })
  syncBuiltinESMExports()
}

/** Returns the size of an RSA key pair without other options; undefined for all others. */
function sharedLength(type: string, options: object | undefined): number | undefined {
  if (type !== 'rsa' || typeof options !== 'object') return undefined
  const { modulusLength, ...others } = options as { modulusLength?: number }
  return Object.keys(others).length === 0 ? modulusLength : undefined
}
