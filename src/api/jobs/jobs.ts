import { idOnNode } from '../../core/values/node-ids.ts'
import type { ApiLab } from '../lab.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { problemOf } from '../problem-of.ts'
import { Job, type JobDescription, type JobKind, type JobWork } from './job.ts'

/** Jobs that run at the same time. Each opens many connections. */
const MAX_RUNNING = 2
/** Ended jobs that are kept. The result of a whole audit can take a megabyte. */
const KEPT_JOBS = 20
const RETRY_SECONDS = 5
/** Events about the progress of a job. */
const MAX_STEPS = 400

type JobsLab = Pick<ApiLab, 'clock' | 'logError' | 'cluster'>
type JobEvent = 'job.progress' | 'job.done'

/** The jobs of a lab: those that run, and the latest that have ended. */
export class Jobs implements AsyncDisposable {
  readonly #lab: JobsLab
  readonly #tell: (event: JobEvent, job: Job) => void
  readonly #jobs = new Map<string, Job>()
  readonly #running = new Map<Job, Promise<void>>()
  readonly #counts: Record<JobKind, number> = { verify: 0, audit: 0 }

  constructor(lab: JobsLab, tell: (event: JobEvent, job: Job) => void) {
    this.#lab = lab
    this.#tell = tell
  }

  /** Starts a job. @throws ApiProblem `too-many-requests` */
  start(what: JobDescription, work: JobWork): Job {
    if (this.#running.size >= MAX_RUNNING) {
      const running = [...this.#running.keys()].map(({ id }) => id).join(' and ')
      throw new ApiProblem(
        'too-many-requests',
        `${running} are running, and only ${MAX_RUNNING} jobs run at the same time; wait until one has ended, or cancel it`,
        {},
        { 'Retry-After': `${RETRY_SECONDS}` },
      )
    }
    const { cluster, clock } = this.#lab
    const id = idOnNode(`${what.kind}-${++this.#counts[what.kind]}`, cluster.isShared ? cluster.node : undefined)
    const job = new Job(id, what, clock.now())
    this.#jobs.set(job.id, job)
    this.#running.set(job, this.#run(job, work))
    return job
  }

  /** Returns all jobs, the newest first. */
  list(): Job[] {
    return [...this.#jobs.values()].reverse()
  }

  /** @throws ApiProblem `not-found` */
  get(id: string): Job {
    const job = this.#jobs.get(id)
    if (job) return job
    throw notFound(
      `there is no job ${id}; GET /api/v1/jobs lists the running jobs and the ${KEPT_JOBS} that ended last`,
    )
  }

  /** Ends a job. Resolves once nothing of it is left. A job that has ended stays as it is. */
  async cancel(job: Job): Promise<void> {
    job.abort.abort()
    await this.#running.get(job)
  }

  /** Ends a job, and forgets it. */
  async delete(job: Job): Promise<void> {
    await this.cancel(job)
    this.#jobs.delete(job.id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((job) => this.cancel(job)))
  }

  #problemOf(error: unknown): ApiProblem {
    const problem = problemOf(error)
    if (problem.problem === 'internal') this.#lab.logError(error, 'a job failed')
    return problem
  }

  /** Never rejects. */
  async #run(job: Job, work: JobWork): Promise<void> {
    const { signal } = job.abort
    let step = -1
    const progress = (next: Job['progress']): void => {
      job.progress = next
      // The log of events is for other events, too.
      const reached = Math.floor((MAX_STEPS * next.done) / Math.max(1, next.total))
      if (reached === step) return
      step = reached
      this.#tell('job.progress', job)
    }
    try {
      const { id, startedAt } = job
      const offer = (audit: Job['audit']): void => {
        job.audit = audit
        if (audit) this.#tell('job.progress', job)
      }
      const show = (found: () => object): void => {
        job.partial = found
      }
      job.report = await work({ id, startedAt, signal, progress, show, offer })
      job.partial = undefined
      job.state = 'done'
      job.progress = { ...job.progress, done: job.progress.total }
    } catch (error) {
      job.state = signal.aborted ? 'cancelled' : 'failed'
      if (!signal.aborted) job.problem = this.#problemOf(error)
    }
    job.endedAt = this.#lab.clock.now()
    job.progress = { ...job.progress, now: job.state }
    this.#running.delete(job)
    const ended = [...this.#jobs.values()].filter((one) => one.state !== 'running')
    for (const old of ended.slice(0, -KEPT_JOBS)) this.#jobs.delete(old.id)
    this.#tell('job.done', job)
  }
}
