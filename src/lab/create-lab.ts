import pino from 'pino'
import type { ResolvedLab } from '../core/config/resolve.ts'
import { Intake } from '../core/octets/received-octets.ts'
import { SessionLog } from '../core/sessions/log.ts'
import { Arrivals } from '../core/time/arrivals.ts'
import { systemClock } from '../core/time/clock.ts'
import { MovableClock } from '../core/time/movable-clock.ts'
import type { Cluster } from '../storage/cluster/types.ts'
import { openStore } from '../storage/store/open.ts'
import { openCertificateStore } from '../tls/pki/certificate-store/store.ts'
import { joinCluster, openLabDatabase } from './cluster/database.ts'
import { openLabValues } from './cluster/shared-values.ts'
import { Lab } from './lab.ts'
import { createMemoryBudget, openSpool } from './memory.ts'
import type { LabOptions } from './opened-lab.ts'
import { openFolders } from './preflight/folder-modes.ts'
import { LogLines } from './recording/log-lines.ts'

/** Starts a lab without a log, which does not keep the process running. */
export const openQuietLab = (config: ResolvedLab): Promise<Lab> =>
  createLab(config, { log: pino({ level: 'silent' }), clock: systemClock, isBackground: true })

/** Builds a lab and opens its ports. @throws ListenError, PkiError, StoreError; everything it opened is then closed */
export async function createLab(config: ResolvedLab, options: LabOptions): Promise<Lab> {
  const clock = options.clock instanceof MovableClock ? options.clock : new MovableClock(options.clock)
  const logLines = new LogLines(options.log, clock)
  const { log } = logLines
  if (options.keepsLog || config.virtualServers.some(({ protocol }) => protocol === 'http')) logLines.keep()
  const { store: folder, key } = config.certificates
  const database = options.store && options.certificateStore ? undefined : await openLabDatabase(config, log)
  if (database) logLines.nameAfter(database.node)
  const values = await openLabValues(database, log).catch(async (error: unknown) => {
    await database?.[Symbol.asyncDispose]()
    throw error
  })
  if (values.isShared) {
    clock.share(values.map('clock'), (err) => log.error({ err }, CANNOT_FOLLOW_CLOCK))
  }
  let certificateStore = options.certificateStore
  let cluster: Cluster | undefined
  try {
    const { keySecret: secret, keySecretFallback: fallback } = config.cluster ?? {}
    const keyProtection = { secret, fallback, seals: 'all' } as const
    certificateStore ??= await openCertificateStore({ folder, key, log, clock, database, keyProtection })
    cluster = await joinCluster(database, log)
    const memory = createMemoryBudget(config, log)
    const sessionLog = new SessionLog(clock, memory, database?.node)
    const arrivals = new Arrivals()
    const store = options.store ?? (await openStore(config.store, { log, clock, database, memory, arrivals }))
    const spool = options.store ? undefined : openSpool(config, log) // after the store, which locks the folder
    const intake = new Intake(memory, spool, arrivals)
    const parts = {
      certificateStore,
      store,
      database,
      cluster,
      values,
      sessionLog,
      intake,
      logLines,
      openLab: openQuietLab,
    }
    const lab = new Lab(config, parts, { ...options, log, clock })
    await lab.start()
    for (const message of openFolders(config)) log.warn(message)
    return lab
  } catch (error) {
    await cluster?.[Symbol.asyncDispose]()
    if (!options.certificateStore) await certificateStore?.close()
    await values[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
    throw error
  }
}

const CANNOT_FOLLOW_CLOCK = 'certificates or mail could not follow the clock, which another node has moved'
