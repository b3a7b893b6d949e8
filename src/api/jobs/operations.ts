import { z } from 'zod'
import type { Api } from '../api.ts'
import { type Caller, seesLab } from '../caller.ts'
import { pageById, pageInput } from '../lists.ts'
import { Content, defineOperation } from '../operation.ts'
import { pageOfNodes, pageOfNodesOf } from '../pages-of-nodes.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { auditOperations } from './audit.ts'
import { type Job, type JobReport, jobKinds, jobStates } from './job.ts'
import { jobDetails, jobFacts } from './shape.ts'
import { startVerify } from './verify.ts'

/** Returns a job that the caller sees: administrators and readers see all. @throws ApiProblem `not-found` */
function jobOf(api: Api, caller: Caller, id: string): Job {
  if (!seesLab(caller)) throw notFound(`there is no job ${id}`)
  return api.jobs.get(id)
}

const list = defineOperation('jobs.list', 'GET /jobs', {
  summary: 'List the jobs, newest first: running jobs, and the latest ended ones.',
  access: 'read',
  input: z.strictObject({
    kind: z.enum(jobKinds).optional(),
    state: z.enum(jobStates).optional(),
    ...pageInput,
  }),
  output: pageOfNodesOf(jobFacts),
  async run(call) {
    const { api, caller, input } = call
    const { kind, state } = input
    const seen = seesLab(caller) ? api.jobs.list() : []
    const isWanted = (job: Job): boolean =>
      (kind === undefined || job.kind === kind) && (state === undefined || job.state === state)
    if (api.lab.cluster.isShared) {
      const own = seen.filter(isWanted).map((job) => ({ id: job.id, at: job.startedAt, show: () => job.facts }))
      return pageOfNodes(call, 'jobs.list', own, 'startedAt')
    }
    const { items, ...page } = pageById(seen, { ...input, epoch: api.index.epoch }, isWanted)
    return { items: items.map(({ facts }) => facts), ...page }
  },
})

const id = z.string().describe('Id of the job.')

const get = defineOperation('jobs.get', 'GET /jobs/{id}', {
  runsAt: 'id',
  summary: 'Read a job: its state, its progress, and its result or error.',
  access: 'read',
  input: z.strictObject({ id }),
  output: jobDetails,
  run: async ({ api, caller, input }) => jobOf(api, caller, input.id).details,
})

const cancel = defineOperation('jobs.cancel', 'POST /jobs/{id}/cancel', {
  runsAt: 'id',
  summary: 'Cancel a job. Has no effect on a job that has ended.',
  access: 'administer',
  input: z.strictObject({ id }),
  output: jobDetails,
  async run({ api, caller, input }) {
    const job = jobOf(api, caller, input.id)
    await api.jobs.cancel(job)
    return job.details
  },
})

const remove = defineOperation('jobs.delete', 'DELETE /jobs/{id}', {
  runsAt: 'id',
  summary: 'Delete a job and its result. A running job is cancelled first.',
  access: 'administer',
  input: z.strictObject({ id }),
  async run({ api, caller, input }) {
    await api.jobs.delete(jobOf(api, caller, input.id))
  },
})

const formats = ['json', 'text', 'junit', 'sarif'] as const

const contents: Readonly<Record<(typeof formats)[number], (report: JobReport) => Promise<Content>>> = {
  json: async ({ json }) => new Content('application/json', JSON.stringify(json)),
  text: async (report) => new Content('text/plain; charset=utf-8', await report.text()),
  junit: async (report) => new Content('application/xml', await report.junit()),
  sarif: async (report) => new Content('application/sarif+json', await report.sarif()),
}

const report = defineOperation('jobs.report', 'GET /jobs/{id}/report', {
  runsAt: 'id',
  summary: 'Download the result of a job as JSON, text, JUnit XML or SARIF 2.1.0.',
  access: 'read',
  input: z.strictObject({ id, format: z.enum(formats).default('json') }),
  output: z.looseObject({}),
  otherOutputs: ['text/plain', 'application/xml', 'application/sarif+json'],
  problems: ['conflict'],
  async run({ api, caller, input }) {
    const job = jobOf(api, caller, input.id)
    if (job.report) return contents[input.format](job.report)
    const why = job.problem ? `it failed: ${job.problem.message}` : `it is ${job.state}`
    throw new ApiProblem('conflict', `${job.id} has no result: ${why}`)
  },
})

export const jobOperations = [startVerify, ...auditOperations, list, get, cancel, remove, report] as const
