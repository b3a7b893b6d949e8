import type { Logger } from 'pino'
import type { ResolvedLab } from '../../core/config/resolve.ts'
import { untilAborted } from '../../core/time/abort-after.ts'
import type { Clock } from '../../core/time/clock.ts'
import type { Cluster } from '../../storage/cluster/types.ts'
import { keepRetention } from '../../storage/store/retention.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { ScheduledReports } from '../../transport/delivery/reports/scheduled.ts'
import type { LabPki } from '../certificates/lab-pki.ts'
import type { DailyReports } from '../mail/daily-reports.ts'
import type { LabNews } from '../mail/lab-news.ts'
import type { LabOutgoing } from '../mail/lab-outgoing.ts'

/** The parts of a lab that do work for all its nodes. */
interface RoleServices {
  readonly cluster: Cluster
  readonly config: ResolvedLab
  readonly store: MessageStore
  readonly clock: Clock
  readonly log: Logger
  readonly news: LabNews
  readonly outgoing: LabOutgoing
  readonly reports: ScheduledReports
  readonly dailyReports: DailyReports
  readonly pki: LabPki
}

/** Lets this node do the work that one node does for all, whenever no other one does. Webhooks do so when they are opened. */
export function leadRoles(lab: RoleServices): void {
  const { cluster, news, outgoing, reports, dailyReports, pki } = lab
  cluster.lead('retention', { run: (signal) => retention(lab, signal) })
  cluster.lead('feeds', { run: (signal) => news.lead(signal) })
  cluster.lead('outgoing', { run: (signal) => outgoing.queue.lead(signal) })
  cluster.lead('reports', { run: (signal) => reports.lead(signal), woken: () => reports.woken() })
  cluster.lead('daily-reports', { run: (signal) => dailyReports.lead(signal) })
  cluster.lead('acme', { run: (signal) => pki.renew(signal) })
}

async function retention(lab: RoleServices, signal: AbortSignal): Promise<void> {
  const stop = keepRetention(lab.store, () => lab.config.retention, lab)
  await untilAborted(signal)
  stop()
}
