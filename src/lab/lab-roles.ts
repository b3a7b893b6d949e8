import { keepRetention } from '../store/retention.ts'
import type { Lab } from './lab.ts'

/** Lets this node do the work that one node does for all, whenever no other one does. Webhooks do so when they are opened. */
export function leadRoles(
  lab: Lab,
  { feeds, acme }: Readonly<Record<'feeds' | 'acme', (signal: AbortSignal) => Promise<void>>>,
): void {
  const { cluster } = lab
  cluster.lead('retention', { run: (signal) => retention(lab, signal) })
  cluster.lead('feeds', { run: feeds })
  cluster.lead('outgoing', { run: (signal) => lab.outgoing.queue.lead(signal) })
  cluster.lead('reports', { run: (signal) => lab.reports.lead(signal), woken: () => lab.reports.woken() })
  cluster.lead('acme', { run: acme })
}

async function retention(lab: Lab, signal: AbortSignal): Promise<void> {
  const stop = keepRetention(lab.store, () => lab.config.retention, lab)
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  stop()
}
