import type { Command } from 'commander'
import type { OutputOf } from '../../api/operation-types.ts'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { loadNodeList } from '../../storage/index.ts'
import { type ApiOptions, callApi, hasLab, withApi } from '../shared/api-client.ts'
import { loadConfiguration } from '../shared/configuration.ts'
import { note, noteWarning, print, shortTime } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

type Status = Pick<OutputOf<'cluster.get'>, 'shared' | 'name' | 'nodes' | 'unled'>

/** Adds `sealpost cluster`. */
export function addCluster(program: Command): void {
  const cluster = program.command('cluster')
  withApi(cluster.command('status'))
    .description('list the nodes of the lab and their roles, from a running node on this machine or from the database')
    .addOption(sharedOptions.json)
    .action(status)
}

async function status({ json = false, ...options }: ApiOptions): Promise<void> {
  const found = await statusOf(options)
  if (json) return print(JSON.stringify(found))
  if (!found.shared) note('The lab is one process by itself: its store is not in PostgreSQL.')
  if (found.shared && found.nodes.length === 0)
    note(`The database has no node of the lab ${found.name}: none has run yet.`)
  printTable(['NODE', 'STATE', 'HOST', 'PID', 'VERSION', 'STARTED', 'HTTP', 'WORK FOR ALL'], found.nodes.map(rowOf))
  for (const role of found.unled) noteWarning(`no node does this work at the moment: ${role}`)
}

async function statusOf(options: ApiOptions): Promise<Status> {
  if (await hasLab(options)) return callApi(options, 'cluster.get', {})
  const { lab } = await loadConfiguration(options)
  return (await statusInDatabase(lab)) ?? callApi(options, 'cluster.get', {})
}

/** Reads the nodes from the database of a configuration; undefined if it has none. @throws DatabaseError */
async function statusInDatabase({ store, cluster }: ResolvedLab): Promise<Status | undefined> {
  if (typeof store !== 'object' || !('postgres' in store) || !cluster) return undefined
  const { readNodes } = await loadNodeList()
  const { timeText } = await import('../../core/time/time-text.ts')
  const { name } = cluster
  const nodes = await readNodes({ url: store.postgres, password: store.password, schema: name })
  const shown = nodes.map(({ isLost: lost, startedAt, seenAt, ...node }) => ({
    ...node,
    lost,
    addresses: [...node.addresses],
    roles: [...node.roles],
    startedAt: timeText(startedAt),
    seenAt: timeText(seenAt),
  }))
  return { shared: true, name, nodes: shown, unled: [] }
}

const rowOf = ({
  name,
  state,
  lost,
  host,
  pid,
  version,
  startedAt,
  addresses,
  roles,
}: Status['nodes'][number]): string[] => [
  name,
  state === 'gone' ? (lost ? 'crashed' : 'stopped') : state,
  host,
  String(pid),
  version,
  shortTime(startedAt),
  addresses.join(' '),
  roles.join(' '),
]
