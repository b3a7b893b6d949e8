import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { shortenAddresses } from '../../common/ip-address.ts'
import { type CertificateFacts, readFacts } from '../certificate/certificate.ts'
import { buildChain, day } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { issuersKnown } from '../certificate-store/materials.ts'
import type { StoreLog } from '../certificate-store/store.ts'
import { type LifecycleContext, wornBy } from './context.ts'

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
  /** error: clients refuse it now. */
  readonly severity: 'error' | 'warning'
  readonly virtualServer: string
  readonly thumbprint: string
  readonly message: string
  /** expires: the step that was reached: 30, 7 or 1 days. */
  readonly withinDays?: number
}

const dayMs = 86_400_000
/** Days before the end at which people are told. */
const steps = [1, 7, 30] as const

type Found = Pick<CertificateWarning, 'code' | 'severity' | 'message' | 'withinDays'>

function dateWarnings(facts: CertificateFacts, nowMs: number): Found[] {
  const left = facts.notAfter.getTime() - nowMs
  if (left < 0) return [{ code: 'expired', severity: 'error', message: `expired on ${day(facts.notAfter)}` }]
  if (facts.notBefore.getTime() > nowMs) {
    return [
      { code: 'not-yet-valid', severity: 'error', message: `is not valid before ${facts.notBefore.toISOString()}` },
    ]
  }
  const withinDays = steps.find((days) => left < days * dayMs)
  if (withinDays === undefined) return []
  const when = withinDays === 1 ? 'within a day' : `in ${Math.floor(left / dayMs)} days`
  return [{ code: 'expires', severity: 'warning', message: `expires ${when}, on ${day(facts.notAfter)}`, withinDays }]
}

function nameWarnings(certificate: X509Certificate, hostname: string): Found[] {
  const covers = isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname)
  if (covers !== undefined) return []
  const names = shortenAddresses(certificate.subjectAltName ?? certificate.subject)
  return [{ code: 'name-mismatch', severity: 'warning', message: `is not issued to ${hostname}, but to ${names}` }]
}

/** OpenSSL's security level 2, the default of Node.js, asks as much. */
const leastBits = { rsa: 2048, ec: 224, ed: 0 } as const

function keyWarnings(facts: CertificateFacts): Found[] {
  if (facts.keyBits >= leastBits[facts.keyFamily]) return []
  return [
    {
      code: 'small-key',
      severity: 'warning',
      message: `has a key of ${facts.keyBits} bits: too small for TLS policies of today (${leastBits[facts.keyFamily]} and more)`,
    },
  ]
}

async function judge({ store, lab }: LifecycleContext, record: CertificateRecord): Promise<Found[]> {
  const installed = await store.materials.load(record)
  const certificate = new X509Certificate(installed.certificatePem)
  const facts = readFacts(certificate)
  const sent = installed.chainPem.map((pem) => new X509Certificate(pem))
  const chain = buildChain(certificate, [...sent, ...(await issuersKnown(store))])
  const revoked = store.index.authorities.some(({ issued }) =>
    issued.some((one) => one.thumbprint === record.thumbprint && one.revoked),
  )
  const last = chain.certificates.at(-1) ?? certificate
  return [
    ...dateWarnings(facts, store.clock.now()),
    ...nameWarnings(certificate, lab().hostname),
    ...keyWarnings(facts),
    ...(chain.complete
      ? []
      : [
          {
            code: 'incomplete-chain',
            severity: 'warning',
            message: `has an incomplete chain: ${commonName(readFacts(last).issuer)} is not known here`,
          } as const,
        ]),
    ...(revoked ? [{ code: 'revoked', severity: 'error', message: 'is revoked' } as const] : []),
  ]
}

/** What is wrong, or soon will be, with the certificates that virtual servers wear. Issues and changes nothing. */
export async function certificateWarnings(context: LifecycleContext): Promise<CertificateWarning[]> {
  await context.store.refresh()
  const found = context.lab().virtualServers.map(async (server) => {
    const each = wornBy(context, server).map(async (record) => {
      const { thumbprint, friendlyName } = record
      const judged = await judge(context, record).catch((error: Error): Found[] => [
        { code: 'broken', severity: 'error', message: `cannot be used: ${error.message}` },
      ])
      return judged.map((one) => ({
        ...one,
        virtualServer: server.name,
        thumbprint,
        message: `${server.name}: the certificate "${friendlyName}" ${one.message}`,
      }))
    })
    return (await Promise.all(each)).flat()
  })
  return (await Promise.all(found)).flat()
}

/** How often dates are looked at. */
const lookMs = 3_600_000

const keyOf = ({ virtualServer, thumbprint, code, withinDays }: CertificateWarning): string =>
  [virtualServer, thumbprint, code, withinDays].join()

/**
 * Logs the warnings about what virtual servers wear: now, after each change of the store, and as 30, 7 and 1 days are left.
 * Each is said once. Returns the function that ends it.
 */
export function warnInLog(context: LifecycleContext, log: StoreLog): () => void {
  const said = new Set<string>()
  const look = (): void => {
    certificateWarnings(context)
      .then((warnings) => {
        for (const warning of warnings.filter((one) => !said.has(keyOf(one)))) {
          said.add(keyOf(warning))
          const { message, virtualServer, thumbprint, code } = warning
          log[warning.severity === 'error' ? 'error' : 'warn']({ virtualServer, thumbprint, code }, message)
        }
      })
      .catch((err: Error) => log.error({ err }, `certificates could not be looked at: ${err.message}`))
  }
  const timer = setInterval(look, lookMs).unref()
  const unwatch = context.store.watch(look)
  look()
  return () => {
    clearInterval(timer)
    unwatch()
  }
}
