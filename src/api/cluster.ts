import { z } from 'zod'
import { timeText } from '../core/time/time-text.ts'
import { nodeStates, roles } from '../storage/cluster/types.ts'
import type { Api } from './api.ts'
import { defineOperation } from './operation.ts'

const node = z
  .object({
    name: z.string(),
    host: z.string(),
    pid: z.number().int(),
    version: z.string().describe('Version of Sealpost.'),
    state: z
      .enum(nodeStates)
      .describe('`draining`: ends. `gone`: has ended, or was not heard of for ten seconds; kept for an hour.'),
    lost: z.boolean().describe('It is gone without having said so: it crashed, hangs, or cannot reach the database.'),
    startedAt: z.iso.datetime().describe('By the clock of the database, RFC 3339.'),
    seenAt: z.iso.datetime().describe('When it was last heard of.'),
    addresses: z.array(z.string()).describe('`ADDRESS:PORT` of its HTTP virtual servers.'),
    roles: z.array(z.enum(roles)).describe('The work that it does for all nodes.'),
  })
  .meta({ id: 'ClusterNode' })

const get = defineOperation('cluster.get', 'GET /cluster', {
  summary: 'List the processes that serve the lab together, and the work that each does for all.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z
    .object({
      shared: z.boolean().describe('Whether other nodes can join: `store.postgres`.'),
      name: z.string().nullable().describe('`cluster.name`; null if the lab is one process by itself.'),
      node: z.string().describe('The node that answers.'),
      nodes: z.array(node),
      unled: z.array(z.enum(roles)).describe('Work that no node does at the moment.'),
    })
    .meta({ id: 'Cluster' }),
  async run({ api: { lab } }) {
    const { isShared, node: own } = lab.cluster
    const nodes = await lab.cluster.nodes()
    return {
      shared: isShared,
      name: isShared ? (lab.config.cluster?.name ?? null) : null,
      node: own,
      nodes: nodes.map(({ isLost: lost, startedAt, seenAt, ...one }) => ({
        ...one,
        lost,
        startedAt: timeText(startedAt),
        seenAt: timeText(seenAt),
      })),
      unled: rolesWithoutLeader(nodes, neededRoles(lab)),
    }
  },
})

/** Returns the roles that a lab needs: those of webhooks and of push, which goes to webhooks, only if the configuration has some. */
const neededRoles = ({ config: { webhooks, virtualServers } }: Api['lab']) => {
  const hasJmap = virtualServers.some(({ protocol, jmap }) => protocol === 'http' && jmap !== 'off')
  const isIdle = { webhooks: webhooks.length === 0, 'jmap-push': webhooks.length === 0 || !hasJmap }
  return roles.filter((role) => !(role in isIdle && isIdle[role as keyof typeof isIdle]))
}

const rolesWithoutLeader = (
  nodes: Awaited<ReturnType<Api['lab']['cluster']['nodes']>>,
  wanted: readonly (typeof roles)[number][],
) => wanted.filter((role) => !nodes.some((one) => one.roles.includes(role)))

/** How long a node that was lost needs attention, in milliseconds. */
const LOST_MS = 10 * 60_000

/** Returns what needs attention: nodes that were lost, and work that nobody does. Undefined if the lab is its only node. */
export async function clusterHealth({ lab }: Api) {
  if (!lab.cluster.isShared) return undefined
  const nodes = await lab.cluster.nodes()
  const latest = Math.max(...nodes.map(({ seenAt }) => seenAt))
  const lost = nodes.filter(({ isLost, seenAt }) => isLost && latest - seenAt < LOST_MS).map(({ name }) => name)
  const unled = rolesWithoutLeader(nodes, neededRoles(lab))
  return {
    ok: lost.length === 0 && unled.length === 0,
    ready: nodes.filter(({ state }) => state === 'ready').length,
    lost,
    unled,
  }
}

export const clusterOperations = [get] as const
