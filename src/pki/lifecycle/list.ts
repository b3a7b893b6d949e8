import { choicesOf } from '../../config/schema/certificate.ts'
import { type CertificateFacts, purposesText, readFacts } from '../certificate/certificate.ts'
import { commonName, formatGeneralName, formatName } from '../certificate/names.ts'
import { currentAuto } from '../certificate-store/auto.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { type LifecycleContext, usersOf } from './context.ts'

type CertificateState = 'valid' | 'expired' | 'not yet valid' | 'revoked'

/** What a list shows of a certificate. */
export interface CertificateEntry {
  readonly friendlyName: string
  readonly issuedTo: string
  readonly issuedBy: string
  readonly notBefore: string
  readonly notAfter: string
  readonly daysLeft: number
  readonly state: CertificateState
  readonly purposes: readonly string[]
  readonly key: string
  readonly bits: number
  readonly thumbprint: string
  readonly origin: CertificateRecord['origin']
  /** Virtual servers that wear it. */
  readonly usedBy: readonly string[]
}

/** What one page about a certificate shows. */
export interface CertificateDetails extends CertificateEntry {
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly names: readonly string[]
  /** Subjects of the issuers that are sent with it. */
  readonly chain: readonly string[]
  readonly certificatePem: string
}

const dayMs = 86_400_000

function stateOf(context: LifecycleContext, facts: CertificateFacts, nowMs: number): CertificateState {
  const revoked = context.store.index.authorities.some(({ issued }) =>
    issued.some((one) => one.thumbprint === facts.thumbprint && one.revoked),
  )
  if (revoked) return 'revoked'
  if (facts.notAfter.getTime() < nowMs) return 'expired'
  return facts.notBefore.getTime() > nowMs ? 'not yet valid' : 'valid'
}

/** Virtual servers that wear it: assigned, pinned, or by `auto` for want of another. */
function virtualServersUsing(context: LifecycleContext, record: CertificateRecord): string[] {
  const { store, lab } = context
  const named = usersOf(context, record.thumbprint)
  if (!record.auto || currentAuto(store, lab().names)?.thumbprint !== record.thumbprint) return named
  const automatic = lab().virtualServers.filter(
    ({ name, certificate }) =>
      choicesOf(certificate).some(({ kind }) => kind === 'auto') &&
      store.index.assignments[name] === undefined &&
      !named.includes(name),
  )
  return [...named, ...automatic.map(({ name }) => name)]
}

async function entryOf(context: LifecycleContext, record: CertificateRecord) {
  const { store } = context
  const [certificate, ...chain] = await store.materials.certificates(record.certificate)
  if (certificate === undefined) throw new TypeError(`${record.certificate} is empty`)
  const facts = readFacts(certificate)
  const nowMs = store.clock.now()
  const entry: CertificateEntry = {
    friendlyName: record.friendlyName,
    issuedTo: commonName(facts.subject),
    issuedBy: commonName(facts.issuer),
    notBefore: facts.notBefore.toISOString(),
    notAfter: facts.notAfter.toISOString(),
    daysLeft: Math.floor((facts.notAfter.getTime() - nowMs) / dayMs),
    state: stateOf(context, facts, nowMs),
    purposes: purposesText(facts),
    key: facts.key,
    bits: facts.keyBits,
    thumbprint: facts.thumbprint,
    origin: record.origin,
    usedBy: virtualServersUsing(context, record),
  }
  return { entry, facts, certificate, chain }
}

/** The certificates of the store. */
export async function listCertificates(context: LifecycleContext): Promise<CertificateEntry[]> {
  await context.store.refresh()
  return Promise.all(context.store.index.certificates.map(async (record) => (await entryOf(context, record)).entry))
}

/** Everything about one certificate. @throws PkiError `unknown` */
export async function showCertificate(context: LifecycleContext, name: string): Promise<CertificateDetails> {
  await context.store.refresh()
  const { entry, facts, certificate, chain } = await entryOf(context, context.store.find(name))
  return {
    ...entry,
    serial: facts.serial,
    subject: formatName(facts.subject),
    issuer: formatName(facts.issuer),
    names: facts.names.map(formatGeneralName),
    chain: chain.map((one) => formatName(readFacts(one).subject)),
    certificatePem: certificate.toString(),
  }
}
