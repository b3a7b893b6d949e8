import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { scheduledMail } from '../deliver.ts'
import type { Answer, ProviderCall } from '../types.ts'
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

async function answerStop(call: ProviderCall): Promise<Answer> {
  const wanted = jsonBody(call, batch)
  await stop(call, wanted)
  return { status: 201, body: wanted }
}

async function changeStop(call: ProviderCall): Promise<Answer> {
  const { status } = jsonBody(call, batch.pick({ status: true }))
  await stop(call, { batch_id: call.params.batch ?? '', status })
  return { status: 204 }
}

async function resume(call: ProviderCall): Promise<Answer> {
  const held = scheduledMail(call, call.params.batch).filter(({ state }) => state === 'held')
  await call.api.outgoing.queue.flush(held.map(({ id }) => id))
  return { status: 204 }
}

/** The routes that pause, resume and cancel batches of scheduled mail. */
export const scheduledSends = {
  'POST /v3/mail/batch': () => ({ status: 201, body: { batch_id: randomBytes(27).toString('base64url') } }),
  'GET /v3/mail/batch/{batch}': ({ params }: ProviderCall) => ({ body: { batch_id: params.batch } }),
  'GET /v3/user/scheduled_sends': paused,
  'GET /v3/user/scheduled_sends/{batch}': paused,
  'POST /v3/user/scheduled_sends': answerStop,
  'PATCH /v3/user/scheduled_sends/{batch}': changeStop,
  'DELETE /v3/user/scheduled_sends/{batch}': resume,
}
