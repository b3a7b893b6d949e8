import { randomUUID } from 'node:crypto'
import { headerFields, headerValue, unfoldValue } from '../../../../src/mail/format/headers.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { invalid } from './errors.ts'
import { content, partsIn } from './upload.ts'

const MAX_REQUESTS = 100

/** https://developers.google.com/workspace/gmail/api/guides/batch */
async function batch(call: ProviderCall): Promise<Answer> {
  const parts = partsIn(call, MAX_REQUESTS + 1) ?? []
  if (parts.length === 0 || parts.length > MAX_REQUESTS)
    throw invalid(`The batch request has ${parts.length} inner requests: write 1 to ${MAX_REQUESTS}.`)
  const boundary = `batch_${randomUUID()}`
  const below = new URL(call.base).pathname
  const answers: Buffer[] = []
  for (const part of parts) {
    const request = content(part)
    const [line = '', method = '', address = ''] =
      /^\s*([A-Z]{1,10}) +(\S+)[^\n]*\n?/.exec(request.toString('latin1')) ?? []
    if (!address.startsWith('/')) throw invalid('Failed to parse batch request: a part begins with no request line.')
    const rest = request.subarray(line.length)
    const headers = Object.fromEntries(
      headerFields(rest).flatMap((field) => (field.name ? [[field.name, unfoldValue(rest, field).trim()]] : [])),
    )
    const target = below !== '/' && address.startsWith(`${below}/`) ? address.slice(below.length) : address
    const body = content(rest)
    const answer = await call.batched({ method, target, headers, ...(body.length > 0 && { body }) })
    const id = headerValue(part, headerFields(part), 'content-id')?.trim().replace(/^<?/, '<response-') ?? ''
    const fields = Object.entries({ ...answer.headers, 'Content-Length': answer.octets.length })
    answers.push(
      Buffer.from(`--${boundary}\r\nContent-Type: application/http\r\n${id && `Content-ID: ${id}\r\n`}\r\n`),
      Buffer.from(`HTTP/1.1 ${answer.status} ${answer.status < 400 ? 'OK' : 'Error'}\r\n`),
      Buffer.from(`${fields.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`),
      answer.octets,
      Buffer.from('\r\n'),
    )
  }
  const body = Buffer.concat([...answers, Buffer.from(`--${boundary}--\r\n`)])
  return { body, headers: { 'Content-Type': `multipart/mixed; boundary=${boundary}` } }
}

export const batchRoutes: readonly ProviderRoute[] = [{ method: 'POST', path: /^\/batch(?:\/gmail\/v1)?$/, run: batch }]
