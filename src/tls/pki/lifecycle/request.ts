import { type KeyObject, randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout } from '../../../core/time/real-timers.ts'
import {
  type DistinguishedName,
  formatGeneralName,
  formatName,
  type GeneralName,
  requestedNames,
  subjectNames,
} from '../certificate/names.ts'
import { createRequest } from '../certificate/request.ts'
import { type SubjectFields, subjectName } from '../certificate/subject.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { checkFriendlyName, freeName } from '../certificate-store/friendly-names.ts'
import type { RequestRecord, StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { describeKey, generateKey, type KeySpec } from '../keys.ts'
import { refuseUnservableKey } from '../servability.ts'
import { findVirtualServer, type LifecycleContext, refusePinned, type VirtualServerFacts } from './context.ts'

export interface RequestOptions {
  /** The virtual server's name. */
  readonly for: string
  /** Default: the virtual server's name. It gets a number if another certificate or request has it. */
  readonly friendlyName?: string
  /** Default: the key type of the store. */
  readonly key?: KeySpec
  /** The common name defaults to the lab's host name. */
  readonly subject?: SubjectFields
  /** Subject alternative names in addition to the common name. */
  readonly names?: readonly string[]
  /** Writes the request as the certificate wizard of Windows Server 2003 did. */
  readonly microsoft?: boolean
  /** Thumbprint of the certificate that the answer replaces. */
  readonly renews?: string
  readonly resolver?: Resolver
}

/** A checked request, for people to confirm before its key is generated. */
export interface PlannedRequest {
  readonly virtualServer: VirtualServerFacts
  readonly friendlyName: string
  readonly key: KeySpec
  readonly subject: DistinguishedName
  readonly names: readonly GeneralName[]
  readonly microsoft: boolean
  readonly warnings: readonly string[]
  readonly renews?: string
}

/** Checks a request. Changes nothing. @throws PkiError `refused` or `unknown` */
export async function planRequest(context: LifecycleContext, options: RequestOptions): Promise<PlannedRequest> {
  await context.store.refresh()
  const server = findVirtualServer(context, options.for)
  refusePinned(server)
  refusePending(context.store.index, server.name)
  const commonName = options.subject?.commonName ?? context.lab().hostname
  const wantedName = options.friendlyName?.trim()
  if (wantedName) checkFriendlyName(wantedName)
  const friendlyName = freeName(context.store.index, wantedName || server.name)
  const subject = subjectName({ ...options.subject, commonName })
  const key = options.key ?? context.store.key
  const bits = key.startsWith('rsa-') ? Number(key.slice(4)) : undefined
  const small = bits !== undefined && bits < 1024
  const names = requestedNames(commonName, options.names ?? [])
  const isHostName = subjectNames([commonName]).length > 0
  const problem = isHostName
    ? await commonNameProblem(commonName, server.address, options.resolver ?? systemResolver)
    : names.length === 0 &&
      `the common name "${commonName}" is not a host name, so clients refuse the certificate; add a name such as mail.lab.test`
  return {
    virtualServer: server,
    friendlyName,
    key,
    subject,
    names,
    microsoft: options.microsoft ?? false,
    warnings: [
      ...(small ? [`${bits} bits are too few: most clients refuse RSA keys below 1024 bits, many below 2048`] : []),
      ...(problem ? [problem] : []),
      ...(wantedName && wantedName !== friendlyName ? [nameTakenText(wantedName, friendlyName)] : []),
    ],
    ...(options.renews ? { renews: options.renews } : {}),
  }
}

/** Returns a sentence about a friendly name that another certificate has. */
export const nameTakenText = (wanted: string, free: string): string =>
  `the friendly name "${wanted}" is taken: the certificate is called "${free}"`

export interface PreparedRequest {
  readonly record: RequestRecord
  /** The request to send to the authority. */
  readonly pem: string
  readonly key: string
  readonly warnings: readonly string[]
}

/** Prepares a request to send later. It stays pending for its virtual server; its key is in the store. @throws PkiError */
export async function requestCertificate(context: LifecycleContext, options: RequestOptions): Promise<PreparedRequest> {
  return prepareRequest(context, await planRequest(context, options))
}

/** Prepares a planned request. @param existingKey Default: a new key @throws PkiError */
export async function prepareRequest(
  context: LifecycleContext,
  planned: PlannedRequest,
  existingKey?: KeyObject,
): Promise<PreparedRequest> {
  const key = existingKey ?? (await generateKey(planned.key))
  const { record, pem } = await context.store.update(async (draft) => {
    const added = addPendingRequest(draft, planned, key, context.store.clock.now())
    return { record: added, pem: await draft.read(added.request) }
  })
  return { record, pem, key: describeKey(key).title, warnings: planned.warnings }
}

/** Adds a pending request to a draft. @throws PkiError `refused` if the virtual server has one already */
export function addPendingRequest(
  draft: IndexDraft,
  planned: PlannedRequest,
  key: KeyObject,
  nowMs: number,
): RequestRecord {
  refusePending(draft.index, planned.virtualServer.name)
  refuseUnservableKey(key)
  const id = randomBytes(4).toString('hex')
  const pem = createRequest({ subject: planned.subject, key, names: planned.names, microsoft: planned.microsoft })
  const record: RequestRecord = {
    id,
    virtualServer: planned.virtualServer.name,
    friendlyName: planned.friendlyName,
    subject: [...planned.subject],
    names: planned.names.map(formatGeneralName),
    key: draft.putKey(planned.friendlyName, key),
    request: draft.put(`requests/${slug(planned.friendlyName)}-${id}.pem`, pem),
    createdAt: new Date(nowMs).toISOString(),
    ...(planned.renews ? { renews: planned.renews } : {}),
  }
  draft.index.requests.push(record)
  return record
}

function refusePending(index: Readonly<StoreIndex>, virtualServer: string): void {
  const pending = index.requests.find((request) => request.virtualServer === virtualServer)
  if (pending === undefined) return
  throw new PkiError(
    'refused',
    `"${virtualServer}" has had a pending request since ${pending.createdAt.slice(0, 10)} (${formatName(pending.subject)}): install its answer or cancel it first`,
  )
}

/** Returns the pending requests. */
export async function pendingRequests({ store }: LifecycleContext): Promise<readonly RequestRecord[]> {
  await store.refresh()
  return store.index.requests
}

/** Returns a pending request in PEM. @param name the virtual server, or the identifier of the request @throws PkiError */
export async function pendingPem(context: LifecycleContext, name: string): Promise<string> {
  const request = findRequest(context, await pendingRequests(context), name)
  return context.store.materials.read(request.request)
}

/** Deletes a pending request and its key: its answer cannot be installed any more. @throws PkiError */
export async function cancelRequest(context: LifecycleContext, name: string): Promise<RequestRecord> {
  await context.store.refresh()
  return context.store.update((draft) => {
    const found = findRequest(context, draft.index.requests, name)
    draft.index.requests = draft.index.requests.filter(({ id }) => id !== found.id)
    return found
  })
}

/** Returns the request of a virtual server, or the one with this identifier. @throws PkiError `unknown` */
export function findRequest(
  context: LifecycleContext,
  requests: readonly RequestRecord[],
  name: string,
): RequestRecord {
  const byId = requests.find(({ id }) => id === name)
  if (byId) return byId
  // Compared with the request's own record first, because the configuration may no longer have that virtual server.
  const named = requests.find(({ virtualServer }) => virtualServer.toLowerCase() === name.toLowerCase())
  if (named) return named
  const server = findVirtualServer(context, name)
  const found = requests.find(({ virtualServer }) => virtualServer === server.name)
  if (found) return found
  throw new PkiError('unknown', `"${server.name}" has no pending request`)
}

/** Returns the pending requests as a text for messages. */
export const requestList = (requests: readonly RequestRecord[]): string =>
  requests.length === 0
    ? 'no request is pending'
    : `pending: ${requests.map((one) => `"${one.virtualServer}" (${formatName(one.subject)})`).join(', ')}`

/** Returns the addresses of a host name; empty if it has none. */
type Resolver = (name: string) => Promise<readonly string[]>

const RESOLVER_TIMEOUT_MS = 3000

/** Resolves as the system does, including its hosts file. */
const systemResolver: Resolver = async (name) => {
  const timeout = new Promise<never[]>((done) => setTimeout(done, RESOLVER_TIMEOUT_MS, []).unref())
  const found = lookup(name, { all: true }).then(
    (all) => all.map(({ address }) => address),
    () => [],
  )
  return Promise.race([found, timeout])
}

/** Returns why clients cannot reach a virtual server by this common name; undefined if they can. */
async function commonNameProblem(name: string, listenAddress: string, resolver: Resolver): Promise<string | undefined> {
  if (name.startsWith('*.')) return undefined
  const found = isIP(name) ? [name] : await resolver(name)
  if (found.length === 0) {
    return `the common name ${name} does not resolve to any address: clients cannot reach the virtual server by it`
  }
  const own = addressesBehind(listenAddress)
  if (found.some((one) => own.has(one))) return undefined
  return `the common name ${name} resolves to ${found.join(', ')}, but the virtual server listens on ${listenAddress}`
}

function addressesBehind(listenAddress: string): Set<string> {
  if (listenAddress === 'localhost') return new Set(['127.0.0.1', '::1'])
  if (listenAddress !== '0.0.0.0' && listenAddress !== '::') return new Set([listenAddress])
  return new Set(Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((one) => one.address)))
}
