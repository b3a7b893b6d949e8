import { choicesOf } from '../../../core/config/schema/certificate.ts'
import { type CertificateFacts, purposesText, readFacts } from '../certificate/certificate.ts'
import { commonName, formatGeneralName, formatName, issuedToOf } from '../certificate/names.ts'
import { currentAuto } from '../certificate-store/auto.ts'
import { type CertificateRecord, issuedBy } from '../certificate-store/index-file.ts'
import { type LifecycleContext, usersOf } from './context.ts'
import { servingProblem } from './serving.ts'

type CertificateState = 'valid' | 'expired' | 'not yet valid' | 'revoked'

/** A certificate in a list. */
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
  /** Virtual servers that use it. */
  readonly usedBy: readonly string[]
  /** Why virtual servers that use it cannot serve it, as the end of a sentence. */
  readonly notServed?: string
  /** Thumbprint of the certificate that renewed or replaced it, if the store still has that. */
  readonly replacedBy?: string
}

/** All facts about one certificate. */
export interface CertificateDetails extends CertificateEntry {
  readonly serial: string
  readonly subject: string
  readonly issuer: string
  readonly names: readonly string[]
  /** Subjects of the issuers that are sent with it. */
  readonly chain: readonly string[]
  readonly certificatePem: string
}

const DAY_MS = 86_400_000

/** Returns all certificates of the store. */
export async function listCertificates(context: LifecycleContext): Promise<CertificateEntry[]> {
  await context.store.refresh()
  return Promise.all(context.store.index.certificates.map(async (record) => (await entryOf(context, record)).entry))
}

/** Returns all facts about one certificate. @throws PkiError `unknown` */
export async function showCertificate(context: LifecycleContext, name: string): Promise<CertificateDetails> {
  await context.store.refresh()
  const { entry, facts, pem, chain } = await entryOf(context, await context.store.find(name))
  return {
    ...entry,
    serial: facts.serial,
    subject: formatName(facts.subject),
    issuer: formatName(facts.issuer),
    names: facts.names.map(formatGeneralName),
    chain: chain.map((one) => formatName(readFacts(one).subject)),
    certificatePem: pem,
  }
}

async function entryOf(context: LifecycleContext, record: CertificateRecord) {
  const { store } = context
  const [certificate, ...chain] = await store.materials.certificates(record.certificate)
  if (certificate === undefined) throw new TypeError(`${record.certificate} is empty`)
  const facts = readFacts(certificate)
  const nowMs = store.clock.now()
  const replacement = store.index.certificates.find(({ thumbprint }) => thumbprint === record.replacedBy)
  const usedBy = allUsersOf(context, record)
  const notServed = await whyNotServed(context, record, usedBy)
  const entry: CertificateEntry = {
    friendlyName: record.friendlyName,
    issuedTo: issuedToOf(facts),
    issuedBy: commonName(facts.issuer),
    notBefore: facts.notBefore.toISOString(),
    notAfter: facts.notAfter.toISOString(),
    daysLeft: Math.floor((facts.notAfter.getTime() - nowMs) / DAY_MS),
    state: stateOf(context, facts, nowMs),
    purposes: purposesText(facts),
    key: facts.key,
    bits: facts.keyBits,
    thumbprint: facts.thumbprint,
    origin: record.origin,
    usedBy,
    ...(notServed === undefined ? {} : { notServed }),
    ...(replacement ? { replacedBy: replacement.thumbprint } : {}),
  }
  return { entry, facts, pem: certificate.toString(), chain }
}

/** Returns why a virtual server that uses a certificate cannot serve it. One that cannot be read has a warning of its own. */
async function whyNotServed(
  { store, lab }: LifecycleContext,
  record: CertificateRecord,
  users: readonly string[],
): Promise<string | undefined> {
  const servers = lab().virtualServers.filter(({ name }) => users.includes(name))
  if (servers.length === 0) return undefined
  const installed = await store.materials.load(record).catch(() => undefined)
  return installed && servers.map((server) => servingProblem(server, installed)).find((why) => why !== undefined)
}

function stateOf({ store }: LifecycleContext, facts: CertificateFacts, nowMs: number): CertificateState {
  if (issuedBy(store.index, facts.thumbprint)?.entry.revoked) return 'revoked'
  if (facts.notAfter.getTime() < nowMs) return 'expired'
  return facts.notBefore.getTime() > nowMs ? 'not yet valid' : 'valid'
}

/** Returns the virtual servers that use a certificate: assigned, named, or by `auto` because none is assigned. */
function allUsersOf(context: LifecycleContext, record: CertificateRecord): string[] {
  const { store, lab } = context
  const users = usersOf(context, record.thumbprint)
  if (!record.auto || currentAuto(store, lab().names)?.thumbprint !== record.thumbprint) return users
  const automatic = lab().virtualServers.filter(
    ({ name, certificate }) =>
      choicesOf(certificate).some(({ kind }) => kind === 'auto') &&
      store.index.assignments[name] === undefined &&
      !users.includes(name),
  )
  return [...users, ...automatic.map(({ name }) => name)]
}
