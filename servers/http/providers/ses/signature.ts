import { sha256Hex, signatureV4 } from '../../../../src/core/network/signature-v4.ts'
import { type Credential, type ProviderCall, ProviderError } from '../types.ts'

/** The scope of a signature: `AKIA…/20261125/eu-west-1/ses/aws4_request`. */
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([\w-]+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request,\s*SignedHeaders=([\w;-]+),\s*Signature=([0-9a-f]{64})$/

const authorizationOf = ({ c }: Pick<ProviderCall, 'c'>): RegExpExecArray | null =>
  AUTHORIZATION.exec(c.req.header('Authorization') ?? '')

/** Returns the region that a request is signed for. */
export const regionOf = (call: Pick<ProviderCall, 'c'>): string => authorizationOf(call)?.[3] ?? 'us-east-1'

/**
 * Returns the access key id of a request, with the verification of its signature.
 * @throws ProviderError `bad-key` for a known id with another secret
 */
export function credentialOf({ c, body, config }: Omit<ProviderCall, 'key'>): Credential | undefined {
  const [, id = '', day = '', region = '', service = '', names = '', signature] = authorizationOf({ c }) ?? []
  const time = c.req.header('X-Amz-Date')
  if (signature === undefined || time === undefined) return undefined
  const { url = '/', method = '' } = c.env.incoming
  const [path = '/', query = ''] = url.split('?')
  const request = {
    method,
    path: path.split('/').map(encodeURIComponent).join('/'),
    query,
    headers: names.split(';').map((name) => [name, c.req.header(name) ?? ''] as const),
    contentHash: sha256Hex(body),
    time,
    scope: `${day}/${region}/${service}/aws4_request`,
  }
  const matches = (secret: string): boolean => signatureV4(request, secret) === signature
  const known = config.keys?.filter((key) => key.id === id) ?? []
  if (known.length > 0 && !known.some(({ secret = '' }) => matches(secret)))
    throw new ProviderError('bad-key', MISMATCH, undefined, 'signature')
  return { id, shown: id, matches }
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
