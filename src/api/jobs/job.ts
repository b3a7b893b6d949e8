import type { RemoteAudit } from '../../checks/audit/index.ts'
import { timeText } from '../../core/time/time-text.ts'
import type { ApiProblem } from '../problem.ts'

export const jobKinds = ['verify', 'audit'] as const
export type JobKind = (typeof jobKinds)[number]

export const jobStates = ['running', 'done', 'failed', 'cancelled'] as const
type JobState = (typeof jobStates)[number]

/** How far a job is. */
interface JobProgress {
  readonly done: number
  readonly total: number
  /** The current step, in a few words. */
  readonly now: string
}

/** The result in short. */
interface JobOutcome {
  /** Whether nothing failed. */
  readonly ok: boolean
  /** How many results there are of each kind. */
  readonly counts: Readonly<Record<string, number>>
}

/** The result of a job, in each form. */
export interface JobReport {
  readonly outcome: JobOutcome
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
  /** Shows what is found so far. `found` is called for each reader. */
  show(found: () => object): void
  /** Shows the servers of an audit to its client; undefined once they are closed. */
  offer(audit: WaitingAudit | undefined): void
}

/** A job's parameters. */
export type JobDescription = Pick<Job, 'kind' | 'about' | 'by' | 'input'>

/** Work that goes on after its request is answered. */
export class Job {
  readonly id: string
  readonly kind: JobKind
  /** The subject of the job, in a few words. */
  readonly about: string
  /** The input of the call that started it, without secrets. */
  readonly input: object
  /** The caller that started it. */
  readonly by: string
  readonly startedAt: number
  state: JobState = 'running'
  endedAt: number | undefined
  progress: JobProgress = { done: 0, total: 0, now: 'starts' }
  report: JobReport | undefined
  /** Returns what is found so far. */
  partial: (() => object) | undefined
  problem: ApiProblem | undefined
  /** The servers of an audit that waits for its client. */
  audit: WaitingAudit | undefined
  readonly abort = new AbortController()

  constructor(id: string, { kind, about, by, input }: JobDescription, startedAt: number) {
    this.id = id
    this.kind = kind
    this.about = about
    this.by = by
    this.input = input
    this.startedAt = startedAt
  }

  /** Returns what events and lists show of it. */
  get facts() {
    const { id, kind, about, by, state, progress, startedAt, endedAt } = this
    const ended = endedAt === undefined ? null : timeText(endedAt)
    const outcome = this.report?.outcome ?? null
    const waitsForClient = this.audit !== undefined
    return {
      id,
      kind,
      about,
      by,
      state,
      waitsForClient,
      progress,
      outcome,
      startedAt: timeText(startedAt),
      endedAt: ended,
    }
  }

  /** Returns everything about it. */
  get details() {
    const partial = this.report ? null : (this.partial?.() ?? null)
    return {
      ...this.facts,
      input: this.input,
      result: this.report?.json ?? null,
      partial,
      error: this.problem?.document ?? null,
    }
  }
}

/** An audit whose servers are open. */
export interface WaitingAudit {
  readonly servers: Pick<RemoteAudit, 'ca' | 'targets'>
  /** Ends the wait for the client. */
  submit(reports: Parameters<RemoteAudit['judge']>[0]): void
}
