import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { shortenAddresses } from '../../common/ip-address.ts'
import { type CertificateFacts, readFacts } from '../certificate/certificate.ts'
import { buildChain, day } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import { type CertificateRecord, issuedBy } from '../certificate-store/index-file.ts'
import type { StoreLog } from '../types.ts'
import { certificatesInUse, type LifecycleContext } from './context.ts'

type WarningCode =
  | 'expired'
  | 'expires'
  | 'not-yet-valid'
  | 'name-mismatch'
  | 'small-key'
  | 'incomplete-chain'
  | 'revoked'
  | 'broken'

export interface CertificateWarning {
  readonly code: WarningCode
  /** error: clients refuse the certificate now. */
  readonly severity: 'error' | 'warning'
  readonly virtualServer: string
  readonly thumbprint: string
  readonly message: string
  /** With code `expires`: the threshold reached, 30, 7 or 1 days. */
  readonly withinDays?: number
}

/** A warning about a certificate, before the virtual server is known. */
type Problem = Pick<CertificateWarning, 'code' | 'severity' | 'message' | 'withinDays'>

/** Returns current and upcoming problems with the certificates that virtual servers use. Issues and changes nothing. */
export async function certificateWarnings(context: LifecycleContext): Promise<CertificateWarning[]> {
  await context.store.refresh()
  const found = context.lab().virtualServers.map(async (server) => {
    const { name: virtualServer } = server
    const each = certificatesInUse(context, server).map(async (record) => {
      const { thumbprint, friendlyName } = record
      const problems = await problemsOf(context, record).catch((error: Error): Problem[] => [
        { code: 'broken', severity: 'error', message: `cannot be used: ${error.message}` },
      ])
      return problems.map((problem) => ({
        ...problem,
        virtualServer,
        thumbprint,
        message: `${virtualServer}: the certificate "${friendlyName}" ${problem.message}`,
      }))
    })
    return (await Promise.all(each)).flat()
  })
  return (await Promise.all(found)).flat()
}

async function problemsOf({ store, lab }: LifecycleContext, record: CertificateRecord): Promise<Problem[]> {
  const installed = await store.materials.load(record)
  const certificate = new X509Certificate(installed.certificatePem)
  const facts = readFacts(certificate)
  const sent = installed.chainPem.map((pem) => new X509Certificate(pem))
  const chain = buildChain(certificate, [...sent, ...(await store.materials.knownIssuers(store.index))])
  const problems = [
    ...dateProblems(facts, store.clock.now()),
    ...nameProblems(certificate, lab().hostname),
    ...keyProblems(facts),
  ]
  if (!chain.complete) {
    const last = chain.certificates.at(-1) ?? certificate
    const message = `has an incomplete chain: ${commonName(readFacts(last).issuer)} is not known here`
    problems.push({ code: 'incomplete-chain', severity: 'warning', message })
  }
  if (issuedBy(store.index, record.thumbprint)?.entry.revoked) {
    problems.push({ code: 'revoked', severity: 'error', message: 'is revoked' })
  }
  return problems
}

const dayMs = 86_400_000
/** Remaining days at which to warn. */
const thresholds = [1, 7, 30] as const

function dateProblems(facts: CertificateFacts, nowMs: number): Problem[] {
  const leftMs = facts.notAfter.getTime() - nowMs
  if (leftMs < 0) return [{ code: 'expired', severity: 'error', message: `expired on ${day(facts.notAfter)}` }]
  if (facts.notBefore.getTime() > nowMs) {
    return [
      { code: 'not-yet-valid', severity: 'error', message: `is not valid before ${facts.notBefore.toISOString()}` },
    ]
  }
  const withinDays = thresholds.find((days) => leftMs < days * dayMs)
  if (withinDays === undefined) return []
  const when = withinDays === 1 ? 'within a day' : `in ${Math.floor(leftMs / dayMs)} days`
  return [{ code: 'expires', severity: 'warning', message: `expires ${when}, on ${day(facts.notAfter)}`, withinDays }]
}

function nameProblems(certificate: X509Certificate, hostname: string): Problem[] {
  const covers = isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname)
  if (covers !== undefined) return []
  const names = shortenAddresses(certificate.subjectAltName ?? certificate.subject)
  return [{ code: 'name-mismatch', severity: 'warning', message: `is not issued to ${hostname}, but to ${names}` }]
}

/** Required by OpenSSL's security level 2, the default of Node.js. */
const minimumBits = { rsa: 2048, ec: 224, ed: 0 } as const

function keyProblems({ keyBits, keyFamily }: CertificateFacts): Problem[] {
  const minimum = minimumBits[keyFamily]
  if (keyBits >= minimum) return []
  const message = `has a key of ${keyBits} bits; current TLS policies require at least ${minimum}`
  return [{ code: 'small-key', severity: 'warning', message }]
}

/** How often dates are checked. */
const checkIntervalMs = 3_600_000

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
          const key = [virtualServer, thumbprint, code, withinDays].join()
          if (logged.has(key)) continue
          logged.add(key)
          log[severity === 'error' ? 'error' : 'warn']({ virtualServer, thumbprint, code }, message)
        }
      })
      .catch((err: Error) => log.error({ err }, `the certificates could not be checked: ${err.message}`))
  }
  const timer = setInterval(check, checkIntervalMs).unref()
  const unwatch = context.store.watch(check)
  check()
  return () => {
    clearInterval(timer)
    unwatch()
  }
}
