import { type KeyObject, randomBytes } from 'node:crypto'
import { type Draft, slug } from '../certificate-store/draft.ts'
import type { RequestRecord, StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { describeKey, generateKey, type KeySpec } from '../keys.ts'
import { requestedNames } from '../names.ts'
import { formatGeneralName, type GeneralName } from '../x509/general-names.ts'
import { type DistinguishedName, formatName } from '../x509/name.ts'
import { createRequest } from '../x509/request.ts'
import { findVirtualServer, type LifecycleContext, refusePinned, type VirtualServerFacts } from './context.ts'
import { commonNameProblem, type Resolver, systemResolver } from './resolves.ts'
import { type SubjectFields, subjectName } from './subject.ts'

/** What the wizard asks before it prepares a request. */
export interface RequestOptions {
  /** The virtual server's name. */
  readonly for: string
  /** Default: the virtual server's name. */
  readonly friendlyName?: string
  /** Default: the store's. */
  readonly key?: KeySpec
  /** The common name defaults to the lab's host name. */
  readonly subject?: SubjectFields
  /** Subject alternative names beside the common name. */
  readonly names?: readonly string[]
  /** As the wizard of Windows Server 2003 wrote it. */
  readonly microsoft?: boolean
  /** Thumbprint of the certificate that the answer takes over from. */
  readonly renews?: string
  readonly resolver?: Resolver
}

/** A request thought through, with nothing made or written yet: the summary before the last page. */
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

function refusePending(index: Readonly<StoreIndex>, virtualServer: string): void {
  const pending = index.requests.find((request) => request.virtualServer === virtualServer)
  if (pending === undefined) return
  throw new PkiError(
    'refused',
    `"${virtualServer}" has a request pending since ${pending.createdAt.slice(0, 10)} (${formatName(pending.subject)}): install its answer or cancel it first`,
  )
}

/** Checks everything that can be wrong with a request. @throws PkiError `refused` or `unknown` */
export async function planRequest(context: LifecycleContext, options: RequestOptions): Promise<PlannedRequest> {
  await context.store.refresh()
  const server = findVirtualServer(context, options.for)
  refusePinned(server)
  refusePending(context.store.index, server.name)
  const commonName = options.subject?.commonName ?? context.lab().hostname
  const key = options.key ?? context.store.key
  const bits = key.startsWith('rsa-') ? Number(key.slice(4)) : undefined
  const small = bits !== undefined && bits < 1024
  const problem = await commonNameProblem(commonName, server.address, options.resolver ?? systemResolver)
  return {
    virtualServer: server,
    friendlyName: options.friendlyName?.trim() || server.name,
    key,
    subject: subjectName({ ...options.subject, commonName }),
    names: requestedNames(commonName, options.names ?? []),
    microsoft: options.microsoft ?? false,
    warnings: [
      ...(small ? [`${bits} bits are too few: most clients refuse RSA keys below 1024, many below 2048`] : []),
      ...(problem ? [problem] : []),
    ],
    ...(options.renews ? { renews: options.renews } : {}),
  }
}

/** Adds a pending request to the draft. */
export function addRequest(draft: Draft, planned: PlannedRequest, key: KeyObject, nowMs: number): RequestRecord {
  refusePending(draft.index, planned.virtualServer.name)
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

export interface PreparedRequest {
  readonly record: RequestRecord
  /** What is sent to the authority. */
  readonly pem: string
  readonly key: string
  readonly warnings: readonly string[]
}

/** Prepares a request to be sent later; it stays pending for its virtual server. The key stays in the store. */
export async function prepareRequest(
  context: LifecycleContext,
  planned: PlannedRequest,
  reuse?: KeyObject,
): Promise<PreparedRequest> {
  const key = reuse ?? (await generateKey(planned.key))
  const { record, pem } = await context.store.update(async (draft) => {
    const added = addRequest(draft, planned, key, context.store.clock.now())
    return { record: added, pem: await draft.read(added.request) }
  })
  return { record, pem, key: describeKey(key).title, warnings: planned.warnings }
}
