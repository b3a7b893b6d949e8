import type { BenchDatabase, RunningLab } from './cluster.ts'
import { type Client, type Operation, openClients, warmUp } from './cluster-load.ts'
import { limitCpu } from './cpu-quota.ts'
import { median } from './measure.ts'

/** The part of a core that each node may use: three of them, the database and the clients fit on two cores. */
export const CORES_OF_NODE = 0.1
const REPLICAS = 3
const CLIENTS = 48
const ROUND_MS = 8_000
const MESSAGES = 1_000
/** Compilation takes a large share of a tenth of a core, so it must be over before. */
const WARM_UPS = 4

/** How often an operation was done, and the cores that were busy. */
interface Round {
  readonly perSecond: number
  readonly nodeCores: number
  readonly databaseCores: number
}

/** One operation with one replica and with three. */
interface Comparison {
  readonly operation: string
  readonly replicas: number
  readonly round: Round
}

/**
 * Compares what one replica and three carry, each limited to a part of a core, with the same clients. Rounds of both take
 * turns.
 */
export async function compareReplicas(
  database: BenchDatabase,
  operations: readonly Operation[],
  rounds: number,
): Promise<readonly Comparison[]> {
  const content = { accounts: CLIENTS, messages: MESSAGES, folders: 10 }
  await using one = await database.lab(1, content)
  await using all = await database.lab(REPLICAS, content)
  const found: Comparison[] = []
  const labs: { readonly lab: RunningLab; readonly clients: readonly Client[] }[] = []
  for (const lab of [one, all]) labs.push({ lab, clients: await openClients(lab, CLIENTS, MESSAGES) })
  for (const operation of operations) {
    for (let time = 0; time < WARM_UPS; time++) {
      for (const { lab, clients } of labs) await warmUp(operation, lab, clients)
    }
    const limits = labs.flatMap(({ lab }) => lab.nodes.map(({ pid = 0 }) => limitCpu(pid, CORES_OF_NODE)))
    try {
      const results = labs.map((): Round[] => [])
      for (let round = 0; round < rounds; round++) {
        for (const [i, { lab, clients }] of labs.entries()) results[i]?.push(await runRound(operation, lab, clients))
      }
      for (const [i, { lab }] of labs.entries()) {
        found.push({ operation: operation.name, replicas: lab.nodes.length, round: middle(results[i] ?? []) })
      }
    } finally {
      for (const limit of limits) limit[Symbol.dispose]()
    }
  }
  for (const { imap, smtp } of labs.flatMap(({ clients }) => clients)) for (const wire of [imap, smtp]) wire.close()
  return found
}

async function runRound({ run }: Operation, lab: RunningLab, clients: readonly Client[]): Promise<Round> {
  const [before, begun] = [lab.used(), performance.now()]
  const until = begun + ROUND_MS
  let done = 0
  await Promise.all(
    clients.map(async (client) => {
      for (let turn = 0; performance.now() < until; turn++) {
        await run(client, turn)
        done++
      }
    }),
  )
  const [after, seconds] = [lab.used(), (performance.now() - begun) / 1000]
  return {
    perSecond: done / seconds,
    nodeCores: (after.nodes - before.nodes) / seconds,
    databaseCores: (after.database - before.database) / seconds,
  }
}

function middle(rounds: readonly Round[]): Round {
  const of = (key: keyof Round): number => median(rounds.map((round) => round[key]))
  return { perSecond: of('perSecond'), nodeCores: of('nodeCores'), databaseCores: of('databaseCores') }
}
