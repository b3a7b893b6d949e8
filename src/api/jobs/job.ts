import type { RemoteAudit } from '../../audit/remote-audit.ts'
import { timeText } from '../messages/summary.ts'
import type { ApiProblem } from '../problem.ts'

export const jobKinds = ['verify', 'audit'] as const
export type JobKind = (typeof jobKinds)[number]

export const jobStates = ['running', 'done', 'failed', 'cancelled'] as const
export type JobState = (typeof jobStates)[number]

/** How far a job is. */
export interface JobProgress {
  readonly done: number
  readonly total: number
  /** What happens now, in a few words. */
  readonly now: string
}

/** The result of a job, in each form. */
export interface JobReport {
  readonly json: object
  text(): string
  junit(): string | Promise<string>
  sarif(): Promise<string>
}

/** Does the work of a job. Rejects when the signal of the job is aborted. */
export type JobWork = (job: RunningJob) => Promise<JobReport>

/** A job, as its work sees it. */
export interface RunningJob {
  readonly id: string
  readonly signal: AbortSignal
  readonly startedAt: number
  progress(progress: JobProgress): void
  /** Shows the servers of an audit to its client; undefined once they are closed. */
  offer(audit: WaitingAudit | undefined): void
}

/** Work that goes on after its request is answered. */
export class Job {
  readonly id: string
  readonly kind: JobKind
  /** Who started it. */
  readonly by: string
  readonly startedAt: number
  state: JobState = 'running'
  endedAt: number | undefined
  progress: JobProgress = { done: 0, total: 0, now: 'starts' }
  report: JobReport | undefined
  problem: ApiProblem | undefined
  /** The servers of an audit that waits for its client. */
  audit: WaitingAudit | undefined
  readonly abort = new AbortController()

  constructor(id: string, kind: JobKind, by: string, startedAt: number) {
    this.id = id
    this.kind = kind
    this.by = by
    this.startedAt = startedAt
  }

  /** Returns what events and lists show of it. */
  get facts() {
    const { id, kind, by, state, progress, startedAt, endedAt } = this
    const ended = endedAt === undefined ? null : timeText(endedAt)
    return { id, kind, by, state, startedAt: timeText(startedAt), endedAt: ended, progress }
  }

  /** Returns everything about it. */
  get details() {
    return { ...this.facts, result: this.report?.json ?? null, error: this.problem?.document ?? null }
  }
}

/** An audit whose servers are open. */
export interface WaitingAudit {
  readonly servers: Pick<RemoteAudit, 'ca' | 'targets'>
  /** Ends the wait for the client. */
  submit(reports: Parameters<RemoteAudit['judge']>[0]): void
}
