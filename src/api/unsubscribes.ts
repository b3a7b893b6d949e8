import { z } from 'zod'
import { timeText } from '../core/time/time-text.ts'
import type { Unsubscribe } from './lab.ts'
import { defineOperation } from './operation.ts'

/** Returns an unsubscribe as the API shows it. */
export const unsubscribeFacts = ({ at, ...one }: Unsubscribe) => ({ ...one, at: timeText(at) })

const list = defineOperation('unsubscribes.list', 'GET /unsubscribes', {
  summary:
    'List the one-click unsubscribes (RFC 8058) that arrived at `/unsubscribe/LIST/RECIPIENT`, the oldest first. The lab keeps 1000 until a reset.',
  access: 'inspect',
  input: z.strictObject({
    list: z.string().min(1).optional().describe('Only of this list.'),
    recipient: z.string().min(1).optional().describe('Only of this recipient. Case does not matter.'),
  }),
  output: z.object({
    items: z.array(
      z.object({
        id: z.string(),
        list: z.string(),
        recipient: z.string(),
        problems: z
          .array(z.string())
          .describe('Violations of RFC 8058 by the sender of the request, such as a cookie.'),
        userAgent: z.string().nullable().describe('The field User-Agent.'),
        session: z.string().describe('Id of the session.'),
        at: z.string(),
      }),
    ),
  }),
  async run({ api, input: { list, recipient } }) {
    const items = api.lab.unsubscribes
      .list()
      .filter((one) => list === undefined || one.list === list)
      .filter((one) => recipient === undefined || one.recipient.toLowerCase() === recipient.toLowerCase())
    return { items: items.map(unsubscribeFacts) }
  },
})

export const unsubscribedOperations = [list] as const
