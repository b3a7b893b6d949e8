import { createHash, createHmac } from 'node:crypto'
import { type Credential, type ProviderCall, ProviderError } from '../types.ts'

/** The scope of a signature: `AKIA…/20261125/eu-west-1/ses/aws4_request`. */
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([\w-]+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request,\s*SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})$/

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (octets: string | Buffer): string => createHash('sha256').update(octets).digest('hex')

const authorizationOf = ({ c }: Pick<ProviderCall, 'c'>): RegExpExecArray | null =>
  AUTHORIZATION.exec(c.req.header('Authorization') ?? '')

/** Returns the region that a request is signed for. */
export const regionOf = (call: Pick<ProviderCall, 'c'>): string => authorizationOf(call)?.[3] ?? 'us-east-1'

/**
 * Returns the access key id of a request, with the verification of its signature.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 * @throws ProviderError `bad-key` for a known id with another secret
 */
export function credentialOf({ c, body, config }: Omit<ProviderCall, 'key'>): Credential | undefined {
  const [, id = '', day = '', region = '', service = '', names = '', signature] = authorizationOf({ c }) ?? []
  const time = c.req.header('X-Amz-Date')
  if (signature === undefined || time === undefined) return undefined
  const { url = '/', method = '' } = c.env.incoming
  const [path = '/', query = ''] = url.split('?')
  const headers = names
    .split(';')
    .map((name) => `${name}:${(c.req.header(name) ?? '').trim().replaceAll(/ +/g, ' ')}\n`)
  const canonical = [
    method,
    // Each part of the path is encoded twice.
    path.split('/').map(encodeURIComponent).join('/'),
    query.split('&').sort().join('&'),
    headers.join(''),
    names,
    sha256(body),
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', time, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n')
  const matches = (secret: string): boolean => {
    const steps = [day, region, service, 'aws4_request', text]
    const key = steps.reduce<Buffer>((from, step) => hmac(from, step), Buffer.from(`AWS4${secret}`))
    return key.toString('hex') === signature
  }
  const known = config.keys?.filter((key) => key.id === id) ?? []
  if (known.length > 0 && !known.some(({ secret = '' }) => matches(secret)))
    throw new ProviderError('bad-key', MISMATCH, undefined, 'signature')
  return { id, shown: id, matches }
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
