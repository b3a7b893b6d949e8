import { z } from 'zod'
import { timeText } from '../../core/time/time-text.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import type { StatisticsSample } from './statistics.ts'

const counts = z.record(z.string(), z.number().int())

const sample = z
  .object({
    at: z.iso.datetime().describe("End of the interval, by the machine's clock, RFC 3339."),
    connections: counts.describe('Accepted connections, by protocol. Counts that are 0 are left out, here and below.'),
    completedHandshakes: counts.describe('By protocol.'),
    failedHandshakes: counts.describe('By protocol.'),
    refusedSessions: counts.describe('Sessions that ended with a refusal or an error, by protocol.'),
    messages: counts.describe('Messages and articles added to folders, by kind: mail, captured, news.'),
    droppedMessages: counts.describe('Messages that were deleted because the store was full, by kind.'),
    openConnections: counts.describe('Open connections at the end of the interval, by protocol.'),
    memory: z.object({
      residentOctets: z.number().int().describe('Memory of the process.'),
      heapOctets: z.number().int().describe('Used heap of the process.'),
      clientOctets: z.number().int().describe('Memory that clients make the lab use, which `memoryLimit` limits.'),
    }),
    eventLoopDelay: z
      .object({ meanMs: z.number(), maxMs: z.number() })
      .describe('How long the process was too busy to answer, in milliseconds.'),
  })
  .meta({ id: 'StatisticsSample' })

const sampleJson = ({ at, ...rest }: StatisticsSample) => ({ at: timeText(at), ...rest })

const get = defineOperation('statistics.get', 'GET /statistics', {
  summary: 'Read what happened in each ten seconds of the last hour: connections, messages, refusals, load.',
  access: 'inspect',
  input: z.strictObject({
    since: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Only samples after this time, such as that of the last known one.'),
  }),
  output: z.object({
    intervalMs: z.number().int().describe('Length of an interval.'),
    samples: z.array(sample).describe('Intervals that have ended, the oldest first: at most one hour.'),
    now: sample.describe('The interval that has not ended.'),
  }),
  problems: ['not-found'],
  async run({ api, input: { since } }) {
    const { statistics } = api.lab.metrics
    if (!statistics) throw notFound('only labs with an HTTP virtual server keep statistics; add `protocol: http`')
    const { intervalMs, samples } = statistics
    const after = since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(since)
    return {
      intervalMs,
      samples: samples.filter(({ at }) => at > after).map(sampleJson),
      now: sampleJson(statistics.current()),
    }
  },
})

export const statisticsOperations = [get] as const
