import { z } from 'zod'
import { clearInterval, performance, setInterval } from '../../../core/time/real-timers.ts'
import { wholeMessage } from '../../messages/read.ts'
import type { InputOf } from '../../operation-types.ts'
import { callOperation, type McpLab } from '../lab.ts'
import { ADDS, defineTool, outputOf, READS_UNTRUSTED, type Tool, type ToolCall } from '../tool.ts'

/** Clients give up on calls that report nothing for a minute. */
const PROGRESS_EVERY_MS = 10_000

const wait: Tool = {
  name: 'wait_for_message',
  title: 'Wait for a message',
  description:
    'Waits for a message that matches, and reads it: text, links, one-time codes, attachments, how it was delivered. It may have arrived before; a message that an earlier wait returned is not returned again. After the time limit the error lists what did arrive and which clients were refused.',
  operation: 'wait',
  output: wholeMessage,
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  async run({ lab, input, signal, progress }: ToolCall<InputOf<'wait'>>) {
    const { id } = await reporting(progress, () => callOperation(lab, 'wait', input, signal))
    return callOperation(lab, 'messages.get', { id }, signal)
  },
}

async function reporting<T>(progress: ToolCall['progress'], work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now()
  const report = (): void => progress(Math.round((performance.now() - startedAt) / 1000), undefined, 'waiting')
  report()
  const timer = setInterval(report, PROGRESS_EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(timer)
  }
}

const search: Tool = {
  name: 'search_messages',
  title: 'List or search messages',
  description:
    'Lists messages, the newest first, also mail for other domains that the lab has captured. `query` takes words and fields: from: to: subject: is:unread has:attachment on: before: after: larger: account: newsgroup: captured:yes header:NAME:value, with - to exclude.',
  operation: 'messages.list',
  hints: READS_UNTRUSTED,
  isUntrusted: true,
}

type ReadPart = (lab: McpLab, input: { readonly id: string }, signal: AbortSignal) => Promise<object>

/** More of a message, each as a member of it. Octets become text when the answer is shortened. */
const parts = {
  headers: async (lab, id, signal) => ({ headers: (await callOperation(lab, 'messages.headers', id, signal)).headers }),
  html: async (lab, id, signal) => ({ html: await callOperation(lab, 'messages.html', id, signal) }),
  structure: async (lab, id, signal) => ({ structure: await callOperation(lab, 'messages.structure', id, signal) }),
  raw: async (lab, id, signal) => ({ raw: await callOperation(lab, 'messages.raw', id, signal) }),
} as const satisfies Record<string, ReadPart>

const partNames = Object.keys(parts) as (keyof typeof parts)[]

const get = defineTool({
  name: 'get_message',
  title: 'Read a message',
  description:
    'Reads a message: text, links, one-time codes, attachments, and the session that delivered it with its TLS facts. `include` adds the header fields, the HTML, the MIME structure or the source.',
  operation: 'messages.get',
  input: z.strictObject({
    id: z.string().optional().describe('Id of the message. Default: the latest message.'),
    include: z.array(z.enum(partNames)).optional(),
  }),
  output: wholeMessage.extend({
    headers: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
    html: z.string().optional(),
    structure: outputOf('messages.structure').optional(),
    raw: z.string().optional(),
  }),
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  async run({ lab, input, signal }) {
    const id = input.id ?? (await latestMessageId(lab, signal))
    const found = await callOperation(lab, 'messages.get', { id }, signal)
    for (const one of input.include ?? []) Object.assign(found, await parts[one](lab, { id }, signal))
    return found
  },
})

/** Returns the id of the latest message. @throws Error if there is none */
async function latestMessageId(lab: McpLab, signal: AbortSignal): Promise<string> {
  const { items } = await callOperation(lab, 'messages.list', { limit: 1 }, signal)
  if (items[0]) return items[0].id
  throw new Error('there is no message yet; wait_for_message waits for one')
}

const check: Tool = {
  name: 'check_message',
  title: 'Check a message',
  description:
    'Checks a message: HTML and CSS that mail programs do not support, links, images, accessibility, List-Unsubscribe, header, size, spam, SPF, DKIM and DMARC. Each finding has a level, a line of the HTML, the programs that it concerns, and its source.',
  operation: 'messages.checks',
  hints: READS_UNTRUSTED,
  isUntrusted: true,
}

const send: Tool = {
  name: 'send_message',
  title: 'Deliver a message',
  description:
    'Delivers a message to accounts and newsgroups of the lab, as if a client had sent it. Nothing leaves the lab.',
  operation: 'messages.send',
  hints: ADDS,
}

export const messageTools: readonly Tool[] = [wait, search, get, check, send]
