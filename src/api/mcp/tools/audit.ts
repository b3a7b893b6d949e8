import { z } from 'zod'
import type { Audit, AuditResult, counts, Verdict } from '../../../checks/audit/index.ts'
import { flag } from '../../input-types.ts'
import { operationNamed } from '../../invoke.ts'
import type { InputOf } from '../../operation-types.ts'
import { callOperation, LabRefusal } from '../lab.ts'
import type { Tool, ToolCall } from '../tool.ts'
import { asksForAll, type JobCaller, neverAborted, resultOfJob, waitForJob } from './job.ts'

const CONFLICT = 409
const verdicts = ['safe', 'unsafe', 'lax', 'unable', 'untested'] as const satisfies Verdict[]

interface AuditReport extends Audit {
  readonly counts: ReturnType<typeof counts>
}

interface AuditInput extends InputOf<'audit.start'>, Omit<InputOf<'audit.results'>, 'id'> {
  readonly job?: string
  readonly all?: unknown
}

const isWrong = ({ verdict }: AuditResult): boolean => verdict !== 'safe'

/** Opens the bad servers. Cancels the job if the client cancels the call. */
async function openServers(call: ToolCall<AuditInput>): Promise<object> {
  const { id } = await callOperation(call.lab, 'audit.start', call.input, neverAborted())
  let found: object | undefined
  const job = await waitForJob(call, id, async () => {
    found = await targetsOf(call, id)
    return found !== undefined
  })
  if (job.error) throw new LabRefusal(job.error)
  return { job: id, next: `Run the client against every server, then call again with "job": "${id}".`, ...found }
}

/** Returns the servers of an audit; undefined until they are open. */
async function targetsOf({ lab, signal }: JobCaller, id: string): Promise<object | undefined> {
  try {
    const { ca, items } = await callOperation(lab, 'audit.targets', { id }, signal)
    return { ca, servers: items }
  } catch (error) {
    if (error instanceof LabRefusal && error.document.status === CONFLICT) return undefined
    throw error
  }
}

/** Ends an audit, and answers the verdicts. */
async function finishAudit(call: ToolCall<AuditInput>, job: string): Promise<object> {
  const { lab, signal, input } = call
  const isAll = asksForAll(input.all)
  await callOperation(lab, 'audit.results', { id: job, results: input.results }, signal)
  const report = await resultOfJob<AuditReport>(call, job)
  const isShown = isAll ? () => true : isWrong
  return {
    job,
    counts: report.counts,
    controls: report.controls.filter(({ succeeded }) => !succeeded),
    results: report.results.filter(isShown).map(({ sessions: _, ...result }) => result),
  }
}

export const auditClient: Tool = {
  name: 'audit_client',
  title: 'Audit a client',
  description:
    'Tests whether a mail or news client accepts bad servers: expired certificates, wrong names, STARTTLS stripping … First call: opens the servers that `names`, `protocols` and `forms` choose (all are some hundred) and answers their addresses, ports, log-on and the root to trust. Run the client against each. Second call, with `job`: judges what crossed the wire, and `results`, what the client reported. The lab runs no programs.',
  operation: 'audit.start',
  input: operationNamed('audit.start').input.extend({
    job: z.string().optional().describe('The audit that the first call began.'),
    results: operationNamed('audit.results').input.shape.results.describe('Second call: what the client reported.'),
    all: flag.optional().describe('Second call: also return the servers that the client treated well.'),
  }),
  output: z.object({
    job: z.string(),
    next: z.string().optional(),
    ca: z.string().optional().describe('The roots to trust, in PEM, and no others.'),
    servers: z.array(z.looseObject({ name: z.string(), hostname: z.string(), address: z.string() })).optional(),
    counts: z.record(z.enum(verdicts), z.number().int()).optional(),
    controls: z.array(z.looseObject({})).optional().describe('Control runs that failed: nothing was judged there.'),
    results: z.array(z.looseObject({ name: z.string(), verdict: z.enum(verdicts), reason: z.string() })).optional(),
  }),
  hints: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
  isUntrusted: true,
  run: async (call: ToolCall<AuditInput>) =>
    call.input.job === undefined ? openServers(call) : finishAudit(call, call.input.job),
}
