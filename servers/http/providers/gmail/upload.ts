import { z } from 'zod'
import { headerBlockEnd } from '../../../../src/mail/format/headers.ts'
import type { ProviderCall } from '../types.ts'
import { jsonBody } from '../values.ts'

const labels = z.array(z.string().max(200)).max(100).default([])
const message = z.object({ raw: z.string().default(''), threadId: z.string().optional(), labelIds: labels })
const resource = message.extend({ id: z.string().optional(), message: message.optional() })

/** Returns the message of a request, in JSON or as an upload; of a draft, the message in it. @throws ProviderError `invalid` */
export function messageIn(call: ProviderCall) {
  const { json, octets } = call.path.includes('/upload/') ? uploadIn(call) : { json: call.body, octets: undefined }
  const given = jsonBody({ body: json.length === 0 ? Buffer.from('{}') : json }, resource)
  const { raw, threadId, labelIds } = given.message ?? given
  return { id: given.id, threadId, labelIds, raw: octets ?? Buffer.from(raw, 'base64url') }
}

/** Returns the message of an upload: the whole body, or the second part of it. */
function uploadIn(call: ProviderCall): { readonly json: Buffer; readonly octets: Buffer } {
  const [first, second = Buffer.alloc(0)] = partsIn(call, 2) ?? []
  return first
    ? { json: content(first), octets: trimmed(content(second)) }
    : { json: Buffer.alloc(0), octets: call.body }
}

/** Returns the parts of a multipart body, each with its header; undefined for any other. @param most more are not read: a client chooses the boundary */
export function partsIn({ c, body }: ProviderCall, most: number): Buffer[] | undefined {
  const [, boundary] =
    /^multipart\/(?:related|mixed);.*\bboundary="?([^";]+)"?/is.exec(c.req.header('Content-Type') ?? '') ?? []
  if (boundary === undefined) return undefined
  const all = body
    .toString('latin1')
    .split(`--${boundary}`, most + 2)
    .slice(1, most + 1)
  return all
    .filter((part) => !part.startsWith('--'))
    .map((part) => Buffer.from(part.replace(/^\r?\n/, '').replace(/\r?\n$/, ''), 'latin1'))
}

/** Returns a part without its header. */
export const content = (part: Buffer): Buffer => part.subarray(headerBlockEnd(part))

/** Returns a message without the empty lines before it. */
const trimmed = (octets: Buffer): Buffer =>
  octets.subarray(octets.findIndex((octet) => octet !== 0x0d && octet !== 0x0a))
