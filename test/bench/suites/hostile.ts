import { setTimeout as sleep } from 'node:timers/promises'
import type { TableSuite } from '../frame/types.ts'
import { Attacker } from '../hostile/attacker.ts'
import { connectionAttacks } from '../hostile/connections.ts'
import { labAttacks } from '../hostile/lab.ts'
import { NoopClient, Prey } from '../hostile/prey.ts'
import { tlsAttacks } from '../hostile/tls.ts'
import type { Attack } from '../hostile/types.ts'
import { valueAttacks } from '../hostile/values.ts'
import { viewAttacks } from '../hostile/views.ts'

const nothing: Attack = { name: 'nothing', prepare: async (attacker) => () => attacker.end() }
const attacks: readonly Attack[] = [
  nothing,
  ...valueAttacks,
  ...viewAttacks,
  ...connectionAttacks,
  ...tlsAttacks,
  ...labAttacks,
]

async function measure(attack: Attack, ms: number): Promise<Record<string, string>> {
  const prey = await Prey.start(attack)
  const attacker = new Attacker(prey)
  try {
    const strike = await attack.prepare(attacker)
    const client = await NoopClient.start(attacker.port('imap4'))
    client.begin()
    const startedAt = Date.now()
    const failed = strike().catch((error: Error) =>
      attacker.isOver ? undefined : console.error(`    ${error.message}`),
    )
    await Promise.race([sleep(ms), failed.then(() => sleep(ms))])
    attacker.close()
    const { p50, p99, max, isLost, isServed } = await client.end()
    return {
      attack: attack.name,
      'p50 (ms)': p50.toFixed(1),
      'p99 (ms)': p99.toFixed(1),
      'max (ms)': max.toFixed(0),
      'longest turn (CPU ms)': prey.longestTurnMs(startedAt).toFixed(0),
      'peak memory (MB)': (prey.peakOctets() / 1e6).toFixed(0),
      afterwards: prey.ended ?? (isServed ? (isLost ? 'serves, but lost the session' : 'serves') : 'does not serve'),
    }
  } finally {
    attacker.close()
    await prey.kill()
  }
}

/** Measures what other sessions notice of an attack. `--seconds` is the length of each attack. */
export const suite: TableSuite = {
  kind: 'table',
  title: 'NOOP of another IMAP4 session, every 5 ms, during an attack',
  async measure({ only = '', roundMs }) {
    const rows: Record<string, string>[] = []
    for (const attack of attacks.filter(({ name }) => name.includes(only))) {
      console.error(`  ${attack.name}`)
      const row = await measure(attack, roundMs)
      console.error(`    ${Object.values(row).slice(1).join(', ')}`)
      rows.push(row)
    }
    return rows
  },
}
