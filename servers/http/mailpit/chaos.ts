import { z } from 'zod'
import type { Api } from '../../../src/api/api.ts'
import type { AddedFault } from '../../../src/api/lab.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import type { FaultInput } from '../../../src/core/config/schema/fault.ts'
import { likeOf } from '../../../src/core/config/schema/like.ts'
import { administers, bodyOf, jsonResponse, type Route, type RouteCall, reads } from '../routes.ts'

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

/** The triggers are faults of the lab, and end with them. Their purpose says what they are. */
const purposeOf = (name: TriggerName): string => `mailpit ${name}`

const faultOf = (api: Api, wanted: TriggerName): AddedFault | undefined =>
  api.lab.faults.shared().find(({ purpose }) => purpose === purposeOf(wanted))

function triggerOf(api: Api, name: TriggerName): Trigger {
  const { when, do: action } = faultOf(api, name)?.input ?? {}
  const { errorCode } = triggers[name]
  return {
    ErrorCode: Number.parseInt(`${action?.rawReply ?? errorCode}`, 10),
    Probability: Math.round((when?.chance ?? 0) * 100),
  }
}

const allTriggers = (api: Api): Record<string, Trigger> =>
  Object.fromEntries(names.map((name) => [name, triggerOf(api, name)]))

async function setTrigger(api: Api, name: TriggerName, trigger: Trigger): Promise<void> {
  const before = faultOf(api, name)
  if (before) await api.lab.faults.removeShared(before.id)
  if (trigger.Probability === 0) return
  const { verb } = triggers[name]
  const input: FaultInput = {
    name: `Chaos ${name}`,
    when: { protocol: 'smtp', verb, chance: trigger.Probability / 100 },
    // Chaos may send codes that SMTP does not have.
    do: { rawReply: `${trigger.ErrorCode} Chaos: ${verb} fails on purpose` },
  }
  await api.lab.faults.share(input, purposeOf(name))
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

const get = reads('/api/v1/chaos', (call) => {
  assertEnabled(call)
  return jsonResponse(call.c, allTriggers(call.api))
})

const put = administers('PUT', '/api/v1/chaos', async (call) => {
  assertEnabled(call)
  const wanted = await bodyOf(call, input)
  for (const name of names) {
    const { errorcode, probability } = wanted[name.toLowerCase() as Lowercase<TriggerName>]
    await setTrigger(call.api, name, { ErrorCode: errorcode || triggers[name].errorCode, Probability: probability })
  }
  return jsonResponse(call.c, allTriggers(call.api))
})

export const chaosRoutes: readonly Route[] = [get, put]
