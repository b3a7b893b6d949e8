import { z } from 'zod'
import { headerBlockEnd } from '../../../../src/mail/format/headers.ts'
import type { ProviderCall } from '../types.ts'
import { jsonBody } from '../values.ts'

const labels = z.array(z.string().max(200)).max(100).default([])
const message = z.object({ raw: z.string().default(''), threadId: z.string().optional(), labelIds: labels })
const resource = message.extend({ id: z.string().optional(), message: message.optional() })

/** Returns the message of a request, in JSON or as an upload; of a draft, the message in it. @throws ProviderError `invalid` */
export function messageIn(call: ProviderCall) {
  const { json, octets } = call.path.startsWith('/upload/') ? uploaded(call) : { json: call.body, octets: undefined }
  const given = jsonBody({ body: json.length === 0 ? Buffer.from('{}') : json }, resource)
  const { raw, threadId, labelIds } = given.message ?? given
  return { id: given.id, threadId, labelIds, raw: octets ?? Buffer.from(raw, 'base64url') }
}

/** Returns the message of an upload: the whole body, or the second part of it. */
function uploaded({ c, body }: ProviderCall): { readonly json: Buffer; readonly octets: Buffer } {
  const type = c.req.header('Content-Type') ?? ''
  const [, boundary] = /^multipart\/related;.*\bboundary="?([^";]+)"?/is.exec(type) ?? []
  if (boundary === undefined) return { json: Buffer.alloc(0), octets: body }
  const text = body.toString('latin1')
  // Not more: a client chooses the boundary and the body.
  const [, first = '', second = ''] = text.split(`--${boundary}`, 3)
  const content = (part: string): Buffer => {
    const octets = Buffer.from(part.replace(/^\r?\n/, '').replace(/\r?\n$/, ''), 'latin1')
    return octets.subarray(headerBlockEnd(octets))
  }
  return { json: content(first), octets: trimmed(content(second)) }
}

/** Returns a message without the empty lines before it. */
const trimmed = (octets: Buffer): Buffer =>
  octets.subarray(octets.findIndex((octet) => octet !== 0x0d && octet !== 0x0a))
