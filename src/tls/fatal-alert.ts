import { createCipheriv, createHmac } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { KeyLog } from './policy.ts'

/** RFC 8446 section 6.2. */
const alerts = { certificateRevoked: 44 } as const

/** By the name of the suite. RFC 8446 appendix B.4. */
const suites: Readonly<
  Record<string, { hash: string; cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'; keyLength: number }>
> = {
  TLS_AES_128_GCM_SHA256: { hash: 'sha256', cipher: 'aes-128-gcm', keyLength: 16 },
  TLS_AES_256_GCM_SHA384: { hash: 'sha384', cipher: 'aes-256-gcm', keyLength: 32 },
  TLS_CHACHA20_POLY1305_SHA256: { hash: 'sha256', cipher: 'chacha20-poly1305', keyLength: 32 },
}

/**
 * Makes a fatal alert to send right after a TLS 1.3 handshake, before anything else. node:tls has no call for it, so the
 * record is encrypted here with the server's traffic secret from the key log. In TLS 1.2 the key log is not enough.
 */
export class FatalAlert {
  #secret: Buffer | undefined

  /** Reads a line of the handshake's key log. */
  readonly keyLog: KeyLog = (line) => {
    const secret = /^SERVER_TRAFFIC_SECRET_0 \S+ (\S+)/.exec(line.toString('latin1'))?.[1]
    if (secret !== undefined) this.#secret = Buffer.from(secret, 'hex')
  }

  /** Returns the record to send on the raw connection; undefined before TLS 1.3. */
  record(alert: keyof typeof alerts, socket: TLSSocket): Buffer | undefined {
    const suite = suites[socket.getCipher().name]
    if (suite === undefined || this.#secret === undefined) return undefined
    const key = expandLabel(suite.hash, this.#secret, 'key', suite.keyLength)
    // This is record 0, whose nonce is the initial vector: Node.js sends session tickets with the first data. RFC 8446 section 5.3
    const nonce = expandLabel(suite.hash, this.#secret, 'iv', 12)
    // TLSInnerPlaintext: level fatal, the description, content type alert. RFC 8446 section 5.2
    const content = Buffer.from([2, alerts[alert], 21])
    const header = Buffer.from([23, 3, 3, 0, content.length + TAG_OCTETS])
    const cipher = createCipheriv(suite.cipher as 'aes-128-gcm', key, nonce, { authTagLength: TAG_OCTETS })
    cipher.setAAD(header, { plaintextLength: content.length })
    return Buffer.concat([header, cipher.update(content), cipher.final(), cipher.getAuthTag()])
  }
}

const TAG_OCTETS = 16

/** HKDF-Expand-Label with an empty context, for at most one block. RFC 8446 section 7.1. */
function expandLabel(hash: string, secret: Buffer, label: string, length: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([length >> 8, length & 0xff, full.length]), full, Buffer.from([0, 1])])
  return createHmac(hash, secret).update(info).digest().subarray(0, length)
}
