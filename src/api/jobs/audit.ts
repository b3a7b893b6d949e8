import { z } from 'zod'
import type { Audit, Form } from '../../checks/audit/index.ts'
import { serverProtocols } from '../../core/config/schema/protocol.ts'
import { timeLimit } from '../../core/config/schema/values.ts'
import { version } from '../../core/text/version.ts'
import { abortAfter } from '../../core/time/abort-after.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import type { Api } from '../api.ts'
import { type Caller, seesLab } from '../caller.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import type { JobReport, JobWork, RunningJob, WaitingAudit } from './job.ts'
import { jobDetails, jobPath } from './shape.ts'

/** The forms that `audit` knows. Its code loads when a job begins. */
const forms = ['starttls', 'implicit'] as const satisfies readonly Form[]

const MAX_WAIT_MS = 3_600_000
const MAX_DETAIL_CHARACTERS = 1_000

const input = z.strictObject({
  protocols: z
    .array(z.enum(serverProtocols))
    .min(1)
    .optional()
    .describe('Default: those of mail and news that the client speaks.'),
  forms: z.array(z.enum(forms)).min(1).optional().describe('How TLS begins. Default: both.'),
  names: z.array(z.string()).min(1).optional().describe('Names of bad servers (docs/client-audit.md). Default: all.'),
  timeout: timeLimit
    .refine((ms) => ms > 0 && ms <= MAX_WAIT_MS, 'write a time of up to 1h')
    .prefault('10m')
    .describe('How long the servers are open. The lab then judges what clients have done.'),
})

const formNames: Readonly<Record<Form, string>> = { starttls: 'STARTTLS', implicit: 'implicit TLS' }

type AuditInput = z.output<typeof input>

const start = defineOperation('audit.start', 'POST /audit', {
  summary: 'Start a job that opens bad servers and judges the client that you run against them.',
  access: 'administer',
  input,
  output: jobDetails,
  status: 202,
  problems: ['too-many-requests'],
  location: jobPath,
  async run({ api, caller, input: wanted }) {
    const { chosenPorts, controlsFor } = await import('../../checks/audit/index.ts')
    const ports = choosePorts(() => chosenPorts(omitUndefined(wanted)))
    const count = ports.length + controlsFor(ports).length
    const spoken = [...new Set(ports.map(({ protocol }) => protocol.toUpperCase()))]
    const about = `${spoken.join(', ')} · ${[...new Set(ports.map(({ form }) => formNames[form]))].join(', ')}`
    const given = { ...wanted, timeout: `${wanted.timeout}ms` }
    const job = api.jobs.start({ kind: 'audit', about, by: caller.name, input: given }, auditWork(api, wanted, count))
    return job.details
  },
})

/** @throws ApiProblem `invalid` */
function choosePorts<T>(choose: () => readonly T[]): readonly T[] {
  let found: readonly T[]
  try {
    found = choose()
  } catch (error) {
    throw new ApiProblem('invalid', (error as Error).message)
  }
  if (found.length === 0)
    throw new ApiProblem(
      'invalid',
      'no bad server has this name, protocol and form; list them with sealpost audit --list',
    )
  return found
}

/** Returns the work of an audit: it opens the servers, waits for the results of the client, and judges. */
const auditWork =
  (api: Api, { timeout, ...choice }: AuditInput, total: number): JobWork =>
  async (job) => {
    const { AuditError, RemoteAudit } = await import('../../checks/audit/index.ts')
    const now = (): string => `waits for clients; POST /api/v1/jobs/${job.id}/results ends it`
    job.progress({ done: 0, total, now: `opens ${total} servers` })
    const place = api.lab.config.testing.audit
    try {
      await using audit = await RemoteAudit.open({ ...omitUndefined(choice), ...place }, api.lab.openLab, () =>
        job.progress({ done: audit.visited, total, now: now() }),
      )
      job.signal.throwIfAborted()
      job.progress({ done: 0, total, now: now() })
      const reports = await resultsOf(job, audit, timeout)
      job.signal.throwIfAborted()
      job.progress({ done: audit.visited, total, now: 'judges' })
      return await auditReport(await audit.judge(reports), { startedAt: job.startedAt, endedAt: api.lab.clock.now() })
    } catch (error) {
      if (error instanceof AuditError) throw new ApiProblem('conflict', error.message)
      throw error
    } finally {
      job.offer(undefined)
    }
  }

type Reports = Parameters<WaitingAudit['submit']>[0]

/** Resolves with what the client reports; with nothing after the time, or when the job is cancelled. */
function resultsOf(job: RunningJob, servers: WaitingAudit['servers'], timeoutMs: number): Promise<Reports> {
  return new Promise((resolve) => {
    const limit = abortAfter(timeoutMs, job.signal)
    const submit = (reports: Reports): void => {
      limit[Symbol.dispose]()
      resolve(reports)
    }
    limit.signal.addEventListener('abort', () => submit([]))
    job.offer({ servers, submit })
  })
}

async function auditReport(
  { controls, results }: Audit,
  { startedAt, endedAt }: { readonly startedAt: number; readonly endedAt: number },
): Promise<JobReport> {
  const { auditJunit, auditText, counts } = await import('../../checks/audit/index.ts')
  const all = counts(results)
  return {
    outcome: { ok: all.unsafe + all.unable === 0, counts: all },
    json: { counts: all, controls, results },
    text: () => auditText(results),
    junit: () => auditJunit(results),
    sarif: async () =>
      (await import('../../checks/audit/index.ts')).auditSarif(results, { version, startedAt, endedAt }),
  }
}

const target = z
  .object({
    name: z
      .string()
      .describe('Name of the bad server. `control` is a good server, which shows whether the client works.'),
    meaning: z.string(),
    protocol: z.enum(serverProtocols),
    form: z.enum(forms),
    hostname: z.string().describe('The name that the client must verify. It need not resolve.'),
    address: z.string().describe('The address that the server listens on.'),
    port: z.number().int(),
    user: z.string(),
    password: z.string(),
    visited: z.boolean().describe('Whether a client has connected to it.'),
  })
  .meta({ id: 'AuditTarget' })

const id = z.string().describe('Id of the job.')

const targets = defineOperation('audit.targets', 'GET /jobs/{id}/targets', {
  runsAt: 'id',
  summary: 'List the servers of an audit, which your client must try. Good servers with the name `control` come first.',
  access: 'read',
  input: z.strictObject({ id }),
  problems: ['conflict'],
  output: z.object({
    ca: z.string().describe('The only roots that the client must trust, in PEM.'),
    items: z.array(target),
  }),
  run: async ({ api, caller, input: { id: wanted } }) => {
    const { servers } = waitingAudit(api, caller, wanted)
    return { ca: servers.ca, items: servers.targets }
  },
})

const results = defineOperation('audit.results', 'POST /jobs/{id}/results', {
  runsAt: 'id',
  summary:
    'Finish an audit after your client has tried its servers, with what the client reported. The job then judges the client.',
  access: 'administer',
  input: z.strictObject({
    id,
    results: z
      .array(
        z.strictObject({
          name: z.string(),
          protocol: z.enum(serverProtocols),
          form: z.enum(forms),
          accepted: z.boolean().describe('Whether the client reported success.'),
          detail: z
            .string()
            .max(MAX_DETAIL_CHARACTERS)
            .optional()
            .describe('Error message of the client, in one line.'),
        }),
      )
      .default([])
      .describe('What the client reported. Without it, the lab judges by the traffic alone.'),
  }),
  output: jobDetails,
  status: 202,
  problems: ['conflict'],
  location: jobPath,
  async run({ api, caller, input: { id: wanted, results: reports } }) {
    waitingAudit(api, caller, wanted).submit(reports)
    return api.jobs.get(wanted).details
  },
})

/** @throws ApiProblem `not-found`; `conflict` if its servers are not open */
function waitingAudit(api: Api, caller: Caller, wanted: string): WaitingAudit {
  if (!seesLab(caller)) throw notFound(`there is no job ${wanted}`)
  const job = api.jobs.get(wanted)
  if (job.kind !== 'audit') throw new ApiProblem('conflict', `${wanted} is not an audit`)
  if (job.audit) return job.audit
  const state = job.state === 'running' ? job.progress.now : `is ${job.state}`
  throw new ApiProblem('conflict', `the servers of ${wanted} are not open: it ${state}`, {}, { 'Retry-After': '1' })
}

export const auditOperations = [start, targets, results] as const
