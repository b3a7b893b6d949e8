import { z } from 'zod'
import { type LineLevel, lineLevels } from '../core/config/schema/values.ts'
import { timeText } from '../core/time/time-text.ts'
import { searchable } from '../mail/format/search-text.ts'
import type { LogLine } from './lab.ts'
import { pageById, pageInput } from './lists.ts'
import { parseSince } from './messages/search-date.ts'
import { defineOperation } from './operation.ts'
import { pageOfNodes, pageOfNodesOf } from './pages-of-nodes.ts'

const level = z.enum(lineLevels)

const line = z
  .object({
    id: z
      .string()
      .describe('The number of the line since the start of the lab, or since the start of the node that it names.'),
    at: z.string().describe("Time of the lab's clock, RFC 3339."),
    level,
    message: z.string(),
    facts: z.looseObject({}).describe('What the line says besides, such as `session`, `server` or `err`.'),
  })
  .meta({ id: 'LogLine' })

/** Returns a line of the log as callers see it. */
export const lineFacts = ({ at, facts, ...line }: LogLine) => ({ ...line, at: timeText(at), facts: JSON.parse(facts) })

const list = defineOperation('log.list', 'GET /log', {
  summary: 'List the latest lines of the log, newest first. Secrets are masked.',
  access: 'inspect',
  input: z.strictObject({
    level: level.default('trace').describe('The lowest level of the lines.'),
    query: z.string().default('').describe('Words that all occur in the message or the facts of a line.'),
    since: z.string().optional().describe('Only lines at or after this time, RFC 3339.'),
    ...pageInput,
  }),
  output: pageOfNodesOf(line),
  async run(call) {
    const { api, input } = call
    const first = input.since === undefined ? Number.NEGATIVE_INFINITY : parseSince(input.since)
    const isWanted = lineFilter(input)
    const matches = (one: LogLine): boolean => one.at >= first && isWanted(one)
    if (api.lab.cluster.isShared) {
      const own = api.lab.logLines
        .list()
        .filter(matches)
        .map((one) => ({ id: one.id, at: one.at, show: () => lineFacts(one) }))
      return pageOfNodes(call, 'log.list', own, 'at')
    }
    const { items, ...page } = pageById(api.lab.logLines.list(), { ...input, epoch: api.index.epoch }, matches)
    return { items: items.map(lineFacts), ...page }
  },
})

/** Returns what selects the lines from a level on that have all words of a query. */
export function lineFilter({ level: lowest, query }: { readonly level: LineLevel; readonly query: string }) {
  const words = searchable(query)
    .split(/\s+/)
    .filter((word) => word !== '')
  return (one: Pick<LogLine, 'level' | 'message' | 'facts'>): boolean => {
    if (lineLevels.indexOf(one.level) < lineLevels.indexOf(lowest)) return false
    if (words.length === 0) return true
    const text = searchable(`${one.message} ${one.facts}`)
    return words.every((word) => text.includes(word))
  }
}

export const logOperations = [list] as const
