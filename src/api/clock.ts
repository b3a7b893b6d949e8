import { z } from 'zod'
import { duration } from '../core/config/schema/values.ts'
import type { MovableClock } from '../core/time/movable-clock.ts'
import { timeText } from '../core/time/time-text.ts'
import { defineOperation } from './operation.ts'
import { othersFollow } from './other-nodes.ts'
import { ApiProblem } from './problem.ts'

const state = z
  .object({
    now: z.string().describe('The time of the lab, RFC 3339.'),
    frozen: z.boolean().describe('Whether the clock is stopped.'),
    offsetMs: z.number().describe('How far the clock is ahead of the clock of the machine, in milliseconds.'),
  })
  .meta({ id: 'Clock' })

const stateOf = (clock: MovableClock): z.infer<typeof state> => ({
  now: timeText(clock.now()),
  frozen: clock.isFrozen,
  offsetMs: clock.offsetMs,
})

/** The years that certificates can express. RFC 5280 section 4.1.2.5. */
const [FIRST, LAST] = [Date.parse('1970-01-01T00:00:00Z'), Date.parse('9990-01-01T00:00:00Z')]

const get = defineOperation('clock.get', 'GET /clock', {
  summary: 'Read the clock of the lab.',
  access: 'read',
  input: z.strictObject({}),
  output: state,
  run: async ({ api }) => stateOf(api.lab.clock),
})

const change = defineOperation('clock.change', 'PATCH /clock', {
  summary:
    'Set, advance, stop or reset the clock of the lab. Certificates and dates follow it; timeouts use real time.',
  access: 'administer',
  input: z.strictObject({
    now: z.iso.datetime({ offset: true }).optional().describe('The new time, RFC 3339.'),
    advance: z.string().optional().describe('Duration to go forward, such as 40d.'),
    frozen: z.boolean().optional().describe('Whether the clock is stopped.'),
    reset: z.boolean().default(false).describe('Returns to the time of the machine.'),
  }),
  output: state,
  problems: ['conflict'],
  async run({ api, input: { now, advance, frozen, reset } }) {
    const { clock } = api.lab
    const given = [now !== undefined, advance !== undefined, reset].filter(Boolean).length
    if (given > 1 || (reset && frozen)) throw invalidTime('give only one of now, advance and reset')
    if (given === 0 && frozen === undefined) throw invalidTime('give now, advance, frozen or reset')
    if (reset) await clock.reset()
    else {
      const at = now === undefined ? clock.now() + millisecondsOf(advance) : Date.parse(now)
      if (at < FIRST || at > LAST) throw invalidTime('the time must be between the years 1970 and 9990')
      await clock.set({ at, frozen: frozen ?? clock.isFrozen })
    }
    await othersFollow(api.lab)
    return stateOf(clock)
  },
})

const invalidTime = (why: string): ApiProblem => new ApiProblem('invalid', why)

function millisecondsOf(advance = '0s'): number {
  const parsed = duration.safeParse(advance)
  if (parsed.success) return parsed.data
  const message = `is ${JSON.stringify(advance)}; write a duration such as 30s, 2h or 40d`
  throw new ApiProblem('invalid', `/advance: ${message}`, { errors: [{ pointer: '/advance', message }] })
}

export const clockOperations = [get, change] as const
