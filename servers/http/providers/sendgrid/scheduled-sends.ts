import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { scheduledMail } from '../deliver.ts'
import type { Answer, ProviderCall, ProviderRoute } from '../types.ts'
import { jsonBody } from '../values.ts'

const batch = z.object({ batch_id: z.string(), status: z.enum(['cancel', 'pause']) })

/**
 * Stops a batch. The lab deletes what is cancelled now, and SendGrid when its time comes.
 * https://www.twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends
 */
async function stop(call: ProviderCall, { batch_id, status }: z.output<typeof batch>): Promise<void> {
  const ids = scheduledMail(call, batch_id).map(({ id }) => id)
  const { queue } = call.api.outgoing
  await (status === 'cancel' ? queue.delete(ids) : queue.hold(ids))
}

/** Returns the batches that are paused: one, or all. */
function paused(call: ProviderCall): Answer {
  const held = scheduledMail(call, call.params.batch).filter(({ state }) => state === 'held')
  const ids = new Set(held.flatMap(({ scheduled }) => scheduled?.ids.slice(1) ?? []))
  return { body: [...ids].map((batch_id) => ({ batch_id, status: 'pause' })) }
}

/** The routes that pause, resume and cancel batches of scheduled mail. */
export const scheduledSends: readonly ProviderRoute[] = [
  {
    method: 'POST',
    path: /^\/v3\/mail\/batch$/,
    run: () => ({ status: 201, body: { batch_id: randomBytes(27).toString('base64url') } }),
  },
  {
    method: 'GET',
    path: /^\/v3\/mail\/batch\/(?<batch>[^/]+)$/,
    run: ({ params }) => ({ body: { batch_id: params.batch } }),
  },
  { method: 'GET', path: /^\/v3\/user\/scheduled_sends(?:\/(?<batch>[^/]+))?$/, run: paused },
  {
    method: 'POST',
    path: /^\/v3\/user\/scheduled_sends$/,
    async run(call) {
      const wanted = jsonBody(call, batch)
      await stop(call, wanted)
      return { status: 201, body: wanted }
    },
  },
  {
    method: 'PATCH',
    path: /^\/v3\/user\/scheduled_sends\/(?<batch>[^/]+)$/,
    async run(call) {
      const { status } = jsonBody(call, batch.pick({ status: true }))
      await stop(call, { batch_id: call.params.batch ?? '', status })
      return { status: 204 }
    },
  },
  {
    method: 'DELETE',
    path: /^\/v3\/user\/scheduled_sends\/(?<batch>[^/]+)$/,
    async run(call) {
      const held = scheduledMail(call, call.params.batch).filter(({ state }) => state === 'held')
      await call.api.outgoing.queue.flush(held.map(({ id }) => id))
      return { status: 204 }
    },
  },
]
