import { createHash, createHmac } from 'node:crypto'

/** Returns a SHA-256 hash in hex. */
export const sha256Hex = (octets: string | Buffer): string => createHash('sha256').update(octets).digest('hex')

/** A request as Amazon's Signature Version 4 covers it. */
export interface SignedRequest {
  readonly method: string
  /** Encoded as in the request. All services but S3 want each of its parts encoded once more. */
  readonly path: string
  /** Encoded as in the request, without the question mark. */
  readonly query: string
  /** The headers that are signed, in the order of their names, which are in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Hash of the body. */
  readonly contentHash: string
  /** The header X-Amz-Date: `20261125T101500Z`. */
  readonly time: string
  /** `20261125/eu-west-1/ses/aws4_request` */
  readonly scope: string
}

/** The name of the algorithm in requests. */
export const SIGNATURE_V4 = 'AWS4-HMAC-SHA256'

/**
 * Returns the signature of a request, in hex.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureV4(request: SignedRequest, secret: string): string {
  const { method, path, query, headers, contentHash, time, scope } = request
  const canonical = [
    method,
    path,
    query.split('&').sort().join('&'),
    headers.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`).join(''),
    headers.map(([name]) => name).join(';'),
    contentHash,
  ].join('\n')
  const text = [SIGNATURE_V4, time, scope, sha256Hex(canonical)].join('\n')
  const steps = [...scope.split('/'), text]
  return steps.reduce<Buffer>((key, step) => hmac(key, step), Buffer.from(`AWS4${secret}`)).toString('hex')
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
