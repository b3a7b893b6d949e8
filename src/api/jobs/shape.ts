import { z } from 'zod'
import { jobKinds, jobStates } from './job.ts'

export const jobFacts = z
  .object({
    id: z.string(),
    kind: z.enum(jobKinds),
    about: z.string().describe('What it examines, in a few words.'),
    by: z.string().describe('Who started it.'),
    state: z.enum(jobStates),
    startedAt: z.string(),
    endedAt: z.string().nullable(),
    progress: z.object({
      done: z.number().int(),
      total: z.number().int(),
      now: z.string().describe('What the job is doing, in a few words.'),
    }),
    waitsForClient: z.boolean().describe('audit: the servers are open, and `audit.targets` lists them.'),
    outcome: z
      .object({
        ok: z.boolean().describe('verify: no check failed. audit: the client is neither unsafe nor unable.'),
        counts: z.record(z.string(), z.number().int()).describe('Checks by outcome, or bad servers by verdict.'),
      })
      .nullable()
      .describe('The result in short. Null unless the job is done.'),
  })
  .meta({ id: 'JobSummary' })

export const jobDetails = jobFacts
  .extend({
    input: z.looseObject({}).describe('What it was started with, without passwords: to start the same again.'),
    result: z
      .looseObject({})
      .nullable()
      .describe('verify: as `sealpost verify --json` prints it. audit: as `sealpost audit --json` prints it.'),
    partial: z
      .looseObject({})
      .nullable()
      .describe('verify: what is found so far, as `endpoints` of the result. Also of a job that was cancelled.'),
    error: z
      .looseObject({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string() })
      .nullable()
      .describe('A problem document (RFC 9457) if the job has failed.'),
  })
  .meta({ id: 'Job' })

/** Returns where a job is. */
export const jobPath = (job: unknown): string => `/jobs/${(job as { readonly id: string }).id}`
