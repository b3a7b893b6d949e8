import { z } from 'zod'
import { delay } from '../../../core/time/real-timers.ts'
import { flag } from '../../input-types.ts'
import { parseInput } from '../../invoke.ts'
import type { OutputOf } from '../../operation-types.ts'
import { callOperation, LabRefusal } from '../lab.ts'
import type { ToolCall } from '../tool.ts'

const POLL_MS = 250

type Job = OutputOf<'jobs.get'>
export type JobCaller = Pick<ToolCall, 'lab' | 'signal' | 'progress'>

/** For calls that start a job: one that is cancelled meanwhile must learn which job it has to cancel. */
export const neverAborted = (): AbortSignal => new AbortController().signal

/** Waits until a job satisfies a condition or ends, and reports its progress. A call that is cancelled cancels the job. */
export async function waitForJob(
  { lab, signal, progress }: JobCaller,
  id: string,
  isEnough: () => Promise<boolean>,
): Promise<Job> {
  let reported = -1
  try {
    for (;;) {
      const job = await callOperation(lab, 'jobs.get', { id }, signal)
      const { done, total, now } = job.progress
      if (done > reported) progress((reported = done), total, now)
      if (job.state !== 'running' || (await isEnough())) return job
      await delay(POLL_MS, undefined, { signal })
    }
  } catch (error) {
    if (signal.aborted) await callOperation(lab, 'jobs.cancel', { id }, neverAborted())
    throw error
  }
}

/** Waits until a job has ended, and returns its result, which depends on the kind of job. @throws Refusal if it has failed */
export async function resultOfJob<Result>(call: JobCaller, id: string): Promise<Result> {
  const job = await waitForJob(call, id, async () => false)
  if (job.error) throw new LabRefusal(job.error)
  if (job.result === null) throw new Error(`${id} is ${job.state}`)
  return job.result as Result
}

const view = z.object({ all: flag.default(false) })

/** Returns whether a call asks for everything, not only for what is wrong. @throws ApiProblem `invalid` */
export const asksForAll = (all: unknown): boolean =>
  (parseInput({ input: view }, { all }, 'json') as z.output<typeof view>).all
