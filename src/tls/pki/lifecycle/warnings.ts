import { choicesOf } from '../../../core/config/schema/certificate.ts'
import { clearInterval, setInterval } from '../../../core/time/real-timers.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import type { StoreLog } from '../types.ts'
import { certificatesInUse, type LabFacts, type LifecycleContext, type VirtualServerFacts } from './context.ts'
import { type CertificateProblem, problemsOf, problemsOfNextAuto, servingProblems, stapleProblems } from './problems.ts'

export interface CertificateWarning extends CertificateProblem {
  readonly virtualServer: string
  /** Empty if the certificate does not exist yet. */
  readonly thumbprint: string
  readonly message: string
}

/**
 * Returns current and upcoming problems with the certificates that virtual servers use. Issues and changes nothing.
 * @param only the names of the virtual servers to consider. Default: all
 */
export async function certificateWarnings(
  context: LifecycleContext,
  only?: readonly string[],
): Promise<CertificateWarning[]> {
  await context.store.refresh()
  const servers = context.lab().virtualServers.filter(({ name }) => only === undefined || only.includes(name))
  const known: Problems = new Map()
  return (await Promise.all(servers.map((server) => warningsOf(context, server, known)))).flat()
}

/** The problems of the certificates found so far: virtual servers often use the same one. */
type Problems = Map<string, Promise<CertificateProblem[]>>

/** Returns a warning for each virtual server that no client can use until a certificate is assigned to it. */
export const missingCertificates = (
  { virtualServers }: LabFacts,
  assignments: Readonly<Record<string, string>>,
): CertificateWarning[] => virtualServers.flatMap((server) => missingCertificate(server, assignments) ?? [])

function missingCertificate(
  { name, certificate, requireSecureChannel, port }: VirtualServerFacts,
  assignments: Readonly<Record<string, string>>,
): CertificateWarning | undefined {
  if (assignments[name] !== undefined || choicesOf(certificate).some(({ kind }) => kind !== 'assigned'))
    return undefined
  const why = requireSecureChannel
    ? 'it requires a secure channel'
    : port === 'off'
      ? 'its clear-text port is off'
      : undefined
  if (why === undefined) return undefined
  return {
    code: 'no-certificate',
    severity: 'error',
    virtualServer: name,
    thumbprint: '',
    message: `${name}: no client can use it: ${why}, and no certificate is assigned to it; run: sealpost cert issue --for "${name}"`,
  }
}

async function warningsOf(
  context: LifecycleContext,
  server: VirtualServerFacts,
  known: Problems,
): Promise<CertificateWarning[]> {
  const { store, lab } = context
  const { hostname, names } = lab()
  const { name: virtualServer } = server
  const warn = (problems: readonly CertificateProblem[], title: string, thumbprint = ''): CertificateWarning[] =>
    problems.map((problem) => ({
      ...problem,
      virtualServer,
      thumbprint,
      message: `${virtualServer}: ${title} ${problem.message}`,
    }))
  const missing = missingCertificate(server, store.index.assignments)
  if (missing) return [missing]
  const used = certificatesInUse(context, server)
  if (used.length === 0 && choicesOf(server.certificate).some(({ kind }) => kind === 'auto')) {
    return warn(await problemsOfNextAuto(store, names), 'the certificate that the lab issues')
  }
  const each = used.map(async (record) => {
    const staples = server.tls?.ocspStapling ?? false
    const key = `${record.thumbprint} ${staples}`
    const found = known.get(key) ?? problemsOrBroken(store, hostname, record, staples)
    known.set(key, found)
    const problems = await found
    const isBroken = problems.some(({ code }) => code === 'broken')
    const unserved = isBroken ? [] : await servingProblems(store, server, record)
    return warn([...unserved, ...problems], `the certificate "${record.friendlyName}"`, record.thumbprint)
  })
  return (await Promise.all(each)).flat()
}

async function problemsOrBroken(
  store: LifecycleContext['store'],
  hostname: string,
  record: CertificateRecord,
  staples: boolean,
): Promise<CertificateProblem[]> {
  try {
    return [...(await problemsOf(store, hostname, record)), ...(await stapleProblems(store, record, staples))]
  } catch (error) {
    return [{ code: 'broken', severity: 'error', message: `cannot be used: ${(error as Error).message}` }]
  }
}

/** How often dates are checked. */
const CHECK_INTERVAL_MS = 3_600_000

/**
 * Logs the warnings about certificates in use: now, after each change of the store, and when 30, 7 and 1 days are left.
 * Logs each warning once. Returns a function that stops it.
 */
export function logWarnings(context: LifecycleContext, log: StoreLog): () => void {
  const logged = new Set<string>()
  const check = (): void => {
    certificateWarnings(context)
      .then((warnings) => {
        for (const { message, virtualServer, thumbprint, code, withinDays, severity } of warnings) {
          const key = [virtualServer, thumbprint, code, withinDays ?? message].join()
          if (logged.has(key)) continue
          logged.add(key)
          log[severity === 'error' ? 'error' : 'warn']({ virtualServer, thumbprint, code }, message)
        }
      })
      .catch((err: Error) => log.error({ err }, `the certificates could not be checked: ${err.message}`))
  }
  const timer = setInterval(check, CHECK_INTERVAL_MS).unref()
  const unwatch = context.store.watch(check)
  check()
  return () => {
    clearInterval(timer)
    unwatch()
  }
}
