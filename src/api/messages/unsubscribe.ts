import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { z } from 'zod'
import { isLoopbackHost, lookupFor } from '../../core/network/ip-address.ts'
import { maskUrls } from '../../core/text/mask-urls.ts'
import { abortAfter } from '../../core/time/abort-after.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import type { ApiLab } from '../lab.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { responseTo } from '../response.ts'
import { messageOf } from './find.ts'

/** The answer to a one-click unsubscribe. */
export interface UnsubscribeAnswer {
  /** The URL of List-Unsubscribe. */
  readonly url: string
  /** The HTTP status. Redirects are not followed. */
  readonly status: number
  /** The beginning of the body, at most 65,536 octets. */
  readonly body: string
}

const TIMEOUT_MS = 10_000
const MAX_BODY_OCTETS = 64 * 1024
/** RFC 8058 section 3.1 */
const ONE_CLICK = 'List-Unsubscribe=One-Click'

/** The parts of a lab that a one-click unsubscribe needs. */
type UnsubscribeLab = {
  readonly config: Pick<ApiLab['config'], 'webhooks'>
  readonly certificateStore: Pick<ApiLab['certificateStore'], 'rootPem'>
}

/**
 * Unsubscribes the recipient of a message by the POST of RFC 8058, as a mail program does at one click.
 * @throws ApiProblem `conflict` if the message has no one-click or the server does not answer, `forbidden` for another host
 */
export async function unsubscribe(
  { headers }: Pick<ReadableMessage, 'headers'>,
  { config, certificateStore }: UnsubscribeLab,
  signal?: AbortSignal,
): Promise<UnsubscribeAnswer> {
  const targets = Array.from((headers.get('list-unsubscribe') ?? '').matchAll(/<([^<>]*)>/g), ([, one = '']) =>
    one.trim(),
  )
  // RFC 8058 section 3.1: one HTTPS URI, and the second field.
  const url = targets.find((target) => /^https:/i.test(target) && URL.canParse(target))
  if (url === undefined || headers.get('list-unsubscribe-post')?.trim() !== ONE_CLICK)
    throw new ApiProblem(
      'conflict',
      `the message has no one-click unsubscribe; it needs an https URL in List-Unsubscribe, and List-Unsubscribe-Post: ${ONE_CLICK}`,
    )
  assertListed(new URL(url).hostname, config)
  using limit = abortAfter(TIMEOUT_MS, signal)
  const request = httpsRequest(url, {
    method: 'POST',
    signal: limit.signal,
    agent: false,
    ...lookupFor(new URL(url).hostname),
    ca: [certificateStore.rootPem, ...systemRoots()],
    // RFC 8058 section 3.2: no cookies and no log-on.
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': ONE_CLICK.length,
      'User-Agent': 'Sealpost',
    },
  })
  try {
    const response = await responseTo(request, ONE_CLICK)
    return { url, status: response.statusCode ?? 0, body: await beginningOf(response) }
  } catch (error) {
    const reason =
      limit.signal.reason?.name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS} ms` : (error as Error).message
    throw new ApiProblem('conflict', `${new URL(url).host} did not answer the unsubscribe request: ${maskUrls(reason)}`)
  }
}

/** @throws ApiProblem `forbidden`: a message of somebody else must not make the lab connect anywhere. */
function assertListed(hostname: string, { webhooks }: UnsubscribeLab['config']): void {
  if (isLoopbackHost(hostname) || webhooks.some(({ url }) => new URL(url).hostname === hostname)) return
  throw new ApiProblem(
    'forbidden',
    `the lab connects only to loopback addresses and to hosts of \`webhooks\`; write a link to localhost into the message, not to ${hostname}`,
  )
}

async function beginningOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    pieces.push(piece)
    octets += piece.length
    if (octets >= MAX_BODY_OCTETS) break
  }
  return Buffer.concat(pieces).subarray(0, MAX_BODY_OCTETS).toString()
}

const operation = defineOperation('messages.unsubscribe', 'POST /messages/{id}/unsubscribe', {
  summary:
    'Unsubscribe the recipient of a message by one click (RFC 8058): a POST to the https URL of List-Unsubscribe, at a loopback address or a host of `webhooks`. Answers what the server answers.',
  access: 'administer',
  input: z.strictObject({ id: z.string().describe('Id of the message.') }),
  output: z.object({
    url: z.string(),
    status: z.number().int().describe('The HTTP status. Redirects are not followed.'),
    body: z.string().describe('The beginning of the body, at most 65536 octets.'),
  }),
  problems: ['conflict'],
  async run({ api, caller, input, signal }) {
    const at = await messageOf(api, caller, input.id)
    const headers = await api.reader.use(at, ({ read }) => read.headers)
    if (!headers) throw notFound(`message ${input.id} was deleted meanwhile`)
    return unsubscribe({ headers }, api.lab, signal)
  },
})

export const unsubscribeOperations = [operation] as const
