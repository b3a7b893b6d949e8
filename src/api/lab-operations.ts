import { z } from 'zod'
import { version } from '../core/text/version.ts'
import { systemClock } from '../core/time/clock.ts'
import { timeText } from '../core/time/time-text.ts'
import type { MessageStore } from '../storage/store/types.ts'
import { seesLab, seesSession } from './caller.ts'
import { countSeen } from './messages/find.ts'
import { defineOperation } from './operation.ts'

const status = defineOperation('status.get', 'GET /status', {
  summary: 'Read the state of the lab: host name, domain, counts, memory.',
  access: 'read',
  input: z.strictObject({}),
  output: z
    .object({
      hostname: z.string(),
      domain: z.string(),
      version: z.string().describe('Version of Sealpost.'),
      nodeVersion: z.string(),
      startedAt: z.iso.datetime().describe("When the lab was started, by the machine's clock, RFC 3339."),
      uptimeMs: z.number().int().describe('How long the lab has been running.'),
      time: z.string().describe("Time of the lab's clock, RFC 3339."),
      role: z.string().describe('The role of the caller.'),
      messages: z.number().int(),
      sessions: z.number().int(),
      memory: z.record(z.string(), z.number()).describe('Octets in use, by purpose. Empty for tenants and accounts.'),
    })
    .meta({ id: 'Status' }),
  async run({ api, caller }) {
    const { config, clock, sessionLog, intake, openedAt } = api.lab
    return {
      hostname: config.hostname,
      domain: config.domain,
      version,
      nodeVersion: process.version,
      startedAt: timeText(openedAt),
      uptimeMs: systemClock.now() - openedAt,
      time: timeText(clock.now()),
      role: caller.role,
      messages: seesLab(caller) ? await messagesIn(api.lab.store) : await countSeen({ api, caller }),
      sessions: sessionLog.list().filter((one) => seesSession(caller, one)).length,
      memory: seesLab(caller) ? { ...intake.memory.usage } : {},
    }
  },
})

const reset = defineOperation('reset', 'POST /reset', {
  summary: 'Delete every message and session record, and restore the faults of the configuration.',
  access: 'administer',
  input: z.strictObject({}),
  async run({ api }) {
    await api.lab.reset()
  },
})

/** Returns the number of messages in all folders. @throws StoreError */
export async function messagesIn(store: Pick<MessageStore, 'totals'>): Promise<number> {
  const totals = await store.totals([])
  return totals.reduce((sum, { exists }) => sum + exists, 0)
}

export const labOperations = [status, reset] as const
