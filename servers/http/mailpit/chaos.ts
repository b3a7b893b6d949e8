import { z } from 'zod'
import type { AddedFault, Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { likeOf } from '../../../src/config/schema/like.ts'
import { jsonResponse, type Route, type RouteCall } from '../routes.ts'
import { bodyOf } from './body.ts'

/** The triggers of Mailpit's Chaos: the command of SMTP that each fails, and its usual reply. */
const triggers = {
  Sender: { verb: 'MAIL', errorCode: 451 },
  Recipient: { verb: 'RCPT', errorCode: 451 },
  Authentication: { verb: 'AUTH', errorCode: 535 },
} as const
type TriggerName = keyof typeof triggers
const names = Object.keys(triggers) as TriggerName[]

interface Trigger {
  readonly ErrorCode: number
  readonly Probability: number
}

/** The faults that are triggers. They end with the faults of the lab. */
const set = new WeakMap<AddedFault, { readonly name: TriggerName; readonly trigger: Trigger }>()

const faultOf = (api: Api, wanted: TriggerName): AddedFault | undefined =>
  [...api.faults.values()].find((fault) => set.get(fault)?.name === wanted)

function triggerOf(api: Api, name: TriggerName): Trigger {
  const fault = faultOf(api, name)
  const trigger = fault && set.get(fault)?.trigger
  return trigger ?? { ErrorCode: triggers[name].errorCode, Probability: 0 }
}

const allTriggers = (api: Api): Record<string, Trigger> =>
  Object.fromEntries(names.map((name) => [name, triggerOf(api, name)]))

function setTrigger(api: Api, name: TriggerName, trigger: Trigger): void {
  const before = faultOf(api, name)
  if (before) {
    before.remove()
    api.faults.delete(before.id)
  }
  if (trigger.Probability === 0) return
  const { verb } = triggers[name]
  const fault = api.addFault({
    name: `Chaos ${name}`,
    when: { protocol: 'smtp', verb, chance: trigger.Probability / 100 },
    // Chaos may send codes that SMTP does not have.
    do: { rawReply: `${trigger.ErrorCode} Chaos: ${verb} fails on purpose` },
  })
  set.set(fault, { name, trigger })
}

const triggerInput = z
  .object({
    errorcode: z.number().int().min(400).max(599).or(z.literal(0)).default(0),
    probability: z.number().int().min(0).max(100).default(0),
  })
  .default({ errorcode: 0, probability: 0 })

const input = z.object({ sender: triggerInput, recipient: triggerInput, authentication: triggerInput })

/** @throws ApiProblem `bad-request` in the place of a Mailpit that has no Chaos */
function assertEnabled({ context, c }: RouteCall): void {
  const like = c.get('isTool') ? likeOf(context.config.like) : undefined
  if (!like || like.chaos) return
  throw new ApiProblem('bad-request', 'Chaos is not enabled; set like.chaos (MP_ENABLE_CHAOS)')
}

const get: Route = {
  method: 'GET',
  path: '/api/v1/chaos',
  access: 'read',
  run(call) {
    assertEnabled(call)
    return jsonResponse(call.c, allTriggers(call.api))
  },
}

const put: Route = {
  method: 'PUT',
  path: '/api/v1/chaos',
  access: 'administer',
  async run(call) {
    assertEnabled(call)
    const wanted = await bodyOf(call, input)
    for (const name of names) {
      const { errorcode, probability } = wanted[name.toLowerCase() as Lowercase<TriggerName>]
      setTrigger(call.api, name, { ErrorCode: errorcode || triggers[name].errorCode, Probability: probability })
    }
    return jsonResponse(call.c, allTriggers(call.api))
  },
}

export const chaosRoutes: readonly Route[] = [get, put]
