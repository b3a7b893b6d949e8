import { asJson, hasFailed } from '../../sessions/describe.ts'
import type { Ends } from '../../sessions/log.ts'
import type { SessionRecord } from '../../sessions/types.ts'
import type { Lab } from '../lab.ts'
import type { ControlVerbs } from './messages.ts'

/** What a running lab says of itself. */
export interface LabStatus {
  readonly pid: number
  readonly hostname: string
  readonly endpoints: ReturnType<Lab['endpoints']>
  /** PEM of the lab's root. */
  readonly ca: string
}

/** What can be asked of any running lab; one row a verb. */
export function labVerbs(lab: Lab): ControlVerbs {
  return {
    status: async (): Promise<LabStatus> => ({
      pid: process.pid,
      hostname: lab.config.hostname,
      endpoints: lab.endpoints(),
      ca: lab.certificateStore.rootPem,
    }),
    sessions: ({ follow, failed, id }, signal) =>
      sessions(lab, { follow: follow === true, failed: failed === true, id }, signal),
    forget: async ({ sessions: unwanted }) => {
      if (Array.isArray(unwanted)) for (const session of unwanted) lab.sessionLog.forget(session as Ends)
    },
  }
}

interface Wanted {
  readonly follow: boolean
  readonly failed: boolean
  readonly id: unknown
}

/** Records as JSON takes them: those there are, then, to follow, each as it ends. */
async function* sessions(lab: Lab, { follow, failed, id }: Wanted, signal: AbortSignal): AsyncGenerator<object> {
  const fits = (record: SessionRecord): boolean =>
    (id === undefined || record.id === id) && (!failed || hasFailed(record))
  const queue: SessionRecord[] = []
  let wake = (): void => {}
  const unwatch = lab.sessionLog.watch((record) => {
    queue.push(record)
    wake()
  })
  signal.addEventListener('abort', () => wake())
  try {
    for (const record of lab.sessionLog.list()) if (fits(record)) yield asJson(record)
    while (follow && !signal.aborted) {
      for (let record = queue.shift(); record; record = queue.shift()) if (fits(record)) yield asJson(record)
      if (queue.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
  } finally {
    unwatch()
  }
}
