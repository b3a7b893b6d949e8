import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { flag } from '../../flag.ts'
import { parseInput } from '../../invoke.ts'
import { type ProblemDocument, Refusal } from '../lab.ts'
import type { ToolCall } from '../tool.ts'

const POLL_MS = 250

/** A job, as the operations answer it. */
interface JobFacts<Result = unknown> {
  readonly id: string
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly progress: { readonly done: number; readonly total: number; readonly now: string }
  readonly result: Result | null
  readonly error: ProblemDocument | null
}

type Caller = Pick<ToolCall, 'lab' | 'signal' | 'progress'>

/** Starts a job. A call that is cancelled meanwhile must learn which job it has to cancel. */
export async function startJob({ lab }: Caller, operation: string, input: object): Promise<string> {
  return ((await lab.call(operation, input, never())) as JobFacts).id
}

const never = (): AbortSignal => new AbortController().signal

/** Waits until a job satisfies a condition or ends, and reports its progress. A call that is cancelled cancels the job. */
export async function untilJob<Result>(
  { lab, signal, progress }: Caller,
  id: string,
  isEnough: (job: JobFacts<Result>) => Promise<boolean>,
): Promise<JobFacts<Result>> {
  let reported = -1
  try {
    for (;;) {
      const job = (await lab.call('jobs.get', { id }, signal)) as JobFacts<Result>
      const { done, total, now } = job.progress
      if (done > reported) progress((reported = done), total, now)
      if (job.state !== 'running' || (await isEnough(job))) return job
      await delay(POLL_MS, undefined, { signal })
    }
  } catch (error) {
    if (signal.aborted) await lab.call('jobs.cancel', { id }, never())
    throw error
  }
}

/** Waits until a job has ended, and returns its result. @throws Refusal if it has failed */
export async function resultOfJob<Result>(call: Caller, id: string): Promise<Result> {
  const job = await untilJob<Result>(call, id, async () => false)
  if (job.error) throw new Refusal(job.error)
  if (job.result === null) throw new Error(`${id} is ${job.state}`)
  return job.result
}

const view = z.object({ all: flag.default(false) })

/** Returns whether a call asks for everything, not only for what is wrong. @throws ApiProblem `invalid` */
export const asksForAll = (all: unknown): boolean =>
  (parseInput({ input: view }, { all }, 'json') as z.output<typeof view>).all
