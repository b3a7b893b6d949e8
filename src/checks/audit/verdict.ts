import { describeTranscript } from '../../core/sessions/describe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { disclosuresOf, obeysInjectedReplies } from './disclosures.ts'
import type { AuditResult, BadPort, Disclosure, SessionSummary, Verdict } from './types.ts'

/** How a client's run against a server ended. */
export interface ClientResult {
  /** Whether the client reported success. */
  readonly accepted: boolean
  readonly detail: string
}

/** A client's run: its result, and its sessions as the lab recorded them. */
export interface ClientRun extends ClientResult {
  readonly sessions: readonly SessionRecord[]
}

type Judgement = Pick<AuditResult, 'verdict' | 'reason'>

/**
 * Returns the verdict on a run. What crossed the wire counts first, and the client's own report second.
 * @param control what the client did in the control run: a server that it accepts sees the same again
 */
export function judge(port: BadPort, run: ClientRun, control: readonly Disclosure[]): AuditResult {
  const { name, meaning, protocol, form, expectation } = port
  const { accepted, detail, sessions } = run
  const disclosed = disclosuresOf(sessions, protocol)
  const summaries = sessions.map(summaryOf)
  const judgement = judgementOf(port, run, disclosed, control)
  return { name, meaning, protocol, form, expectation, accepted, ...judgement, detail, disclosed, sessions: summaries }
}

/** Returns the result of a port that the client was not run against. */
export function untestedResult({ name, meaning, protocol, form, expectation }: BadPort, reason: string): AuditResult {
  const nothing = { accepted: false, detail: 'not run', disclosed: [], sessions: [] }
  return { name, meaning, protocol, form, expectation, verdict: 'untested', reason, ...nothing }
}

function judgementOf(
  port: BadPort,
  run: ClientRun,
  disclosed: readonly Disclosure[],
  control: readonly Disclosure[],
): Judgement {
  const { accepted, sessions } = run
  if (sessions.length === 0) return { verdict: 'untested', reason: 'it did not connect' }
  const clear = disclosed.filter(({ encrypted }) => !encrypted)
  if (clear.length > 0) return { verdict: 'unsafe', reason: `sent in clear text: ${disclosuresText(clear)}` }
  if (port.expectation === 'accept') return judgeGoodServer(run, disclosed, control)
  if (port.proof === 'injected replies' && control.length === 0)
    return {
      verdict: 'untested',
      reason: 'it sends no command after the handshake, so injected replies change nothing',
    }
  const bad: Verdict = port.expectation === 'refuse' ? 'unsafe' : 'lax'
  const evidence = evidenceOf(port, sessions, disclosed)
  if (evidence !== undefined) return { verdict: bad, reason: evidence }
  if (accepted)
    return { verdict: bad, reason: `reported success ${hasTls(sessions) ? 'after' : 'without'} a handshake` }
  return { verdict: 'safe', reason: 'refused' }
}

/** Returns how the wire shows that a client accepted a bad server. */
function evidenceOf(
  { protocol, proof, form }: BadPort,
  sessions: readonly SessionRecord[],
  disclosed: readonly Disclosure[],
): string | undefined {
  if (proof === 'injected replies')
    return obeysInjectedReplies(sessions, protocol) ? 'continued with the injected replies' : undefined
  if (disclosed.length === 0) return undefined
  return `sent after ${form === 'implicit' ? 'the handshake' : 'STARTTLS'}: ${disclosuresText(disclosed)}`
}

function judgeGoodServer(
  { accepted, sessions }: ClientRun,
  disclosed: readonly Disclosure[],
  control: readonly Disclosure[],
): Judgement {
  if (!accepted) return { verdict: 'unable', reason: 'refused a good server' }
  if (!hasTls(sessions)) return { verdict: 'unable', reason: 'reported success without a handshake' }
  // By kind: which commands a client sends also depends on what it finds in the mailbox.
  const missing = control.filter(({ encrypted, kind }) => encrypted && !disclosed.some((one) => one.kind === kind))
  if (missing.length === 0) return { verdict: 'safe', reason: 'accepted' }
  return { verdict: 'unable', reason: `reported success, although it did not send: ${disclosuresText(missing)}` }
}

const hasTls = (sessions: readonly SessionRecord[]): boolean => sessions.some(({ tls }) => tls !== undefined)

/** Lists what was disclosed: `AUTH PLAIN, MAIL, RCPT, message content`. */
export const disclosuresText = (disclosed: readonly Disclosure[]): string =>
  disclosed.map(({ what }) => what).join(', ')

function summaryOf(record: SessionRecord): SessionSummary {
  const { user, tls, refusals, endCause } = record
  return {
    refusals,
    ...(endCause === undefined ? {} : { endCause }),
    ...(user === undefined ? {} : { user }),
    ...(tls ? { tls: { version: tls.version, cipher: tls.cipher } } : {}),
    transcript: describeTranscript(record),
  }
}
