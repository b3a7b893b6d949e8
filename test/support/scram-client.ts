import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

const hashes = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const

type ScramHashName = keyof typeof hashes

export interface ScramClientOptions {
  readonly hash?: ScramHashName
  /** The gs2-header: `n,,` by default, `p=tls-exporter,,`, `n,a=bob,`. */
  readonly gs2?: string
  /** The data of the channel binding. */
  readonly binding?: Buffer
}

/** A SCRAM client written from the formulas in RFC 5802 section 3. */
export class ScramClient {
  readonly #name: string
  readonly #password: string
  readonly #hash: (typeof hashes)[ScramHashName]
  readonly #gs2: string
  readonly #binding: Buffer
  /** The signature that the server must send. */
  serverSignature = ''

  constructor(name: string, password: string, options: ScramClientOptions = {}) {
    this.#name = name.replaceAll('=', '=3D').replaceAll(',', '=2C')
    this.#password = password
    this.#hash = hashes[options.hash ?? 'SHA-256']
    this.#gs2 = options.gs2 ?? 'n,,'
    this.#binding = options.binding ?? Buffer.alloc(0)
  }

  first(): string {
    return `${this.#gs2}${this.#bare()}`
  }

  /** @param bound replaces the gs2-header and the data of the channel binding. @param tamper is added to the nonce */
  final(serverFirst: string, bound?: string, tamper = ''): string {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? []
    if (nonce === undefined || salt === undefined) throw new Error(`not a server-first-message: ${serverFirst}`)
    const h = (key: Buffer, text: string): Buffer => createHmac(this.#hash, key).update(text).digest()
    const digest = (octets: Buffer): Buffer => createHash(this.#hash).update(octets).digest()
    const octets = digest(Buffer.alloc(0)).length
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), octets, this.#hash)
    const clientKey = h(salted, 'Client Key')
    const data = bound === undefined ? Buffer.concat([Buffer.from(this.#gs2), this.#binding]) : Buffer.from(bound)
    const without = `c=${data.toString('base64')},r=${nonce}${tamper}`
    const auth = `${this.#bare()},${serverFirst},${without}`
    const signature = h(digest(clientKey), auth)
    const proof = Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] as number)))
    this.serverSignature = h(h(salted, 'Server Key'), auth).toString('base64')
    return `${without},p=${proof.toString('base64')}`
  }

  #bare(): string {
    return `n=${this.#name},r=rOprNGfwEbeRWgbNEkqO`
  }
}
