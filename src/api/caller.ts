import type { TenantScope } from '../accounts/directory/tenants.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import {
  accountOf,
  accountOwner,
  CAPTURED_OWNER,
  type Folder,
  type Owner,
  PUBLIC_OWNER,
} from '../storage/store/folder.ts'
import type { MessageEntry } from '../storage/store/message-entry.ts'
import type { Origin } from '../storage/store/origin.ts'
import { isVisibleTo } from '../storage/store/visible.ts'
import { ApiProblem } from './problem.ts'

/** - administrator: everything. reader: reads everything. tenant: the accounts of a tenant. account: its own mail. */
type Role = 'administrator' | 'reader' | 'tenant' | 'account'

/** The right that an operation needs: to read, to read what belongs to the whole lab, to change mail, or to change the lab. */
export const accesses = ['read', 'inspect', 'change', 'administer'] as const
export type Access = (typeof accesses)[number]

/** The caller of an operation. */
export interface Caller {
  readonly role: Role
  /** The user of an account, or the name of a tenant or token. */
  readonly name: string
  /** Sees only what belongs to this tenant, whatever the role allows. An account of a tenant sees only its own mail of it. */
  readonly tenant?: TenantScope
  /** False for accounts that do not see captured mail. */
  readonly seesCaptured?: boolean
  /** The name of the HTTP virtual server that it uses. Absent for the owner of the process, who uses the control socket. */
  readonly virtualServer?: string
  /** The id of the HTTP session of the request. */
  readonly session?: string
}

/** Returns a caller as the store and histories of messages name who does something. */
export const originOf = ({ session, name }: Caller): Origin => ({ sessionId: session, user: name })

/** Returns why a caller has lost the rights that it had with its request; undefined as long as it has them. */
export type Standing = () => ApiProblem | undefined

/** Returns a text that is the same for callers who see the same. */
export const viewKey = ({ role, name, tenant, seesCaptured }: Caller): string =>
  JSON.stringify([role, role === 'account' ? name : '', tenant?.name, seesCaptured])

const allowed: Readonly<Record<Role, readonly Access[]>> = {
  administrator: accesses,
  reader: ['read', 'inspect'],
  tenant: ['read', 'change'],
  account: ['read', 'change'],
}

/** Returns what a caller may do. Nobody inspects or administers the lab as a part of a tenant. */
export const allowedAccess = ({ role, tenant }: Pick<Caller, 'role' | 'tenant'>): Access[] =>
  allowed[role].filter((access) => tenant === undefined || (access !== 'administer' && access !== 'inspect'))

const needed: Readonly<Record<Access, string>> = {
  read: 'everyone who has logged on may do this',
  inspect: 'administrators and readers may see this',
  change: 'someone who may change mail may do this',
  administer:
    'an administrator may do this: use a token with the role administrator, or an account of `access.administrators`',
}

/** Checks that the role of a caller allows an operation. @throws ApiProblem `forbidden` */
export function assertAccess(caller: Caller, access: Access): void {
  if (allowedAccess(caller).includes(access)) return
  const isAlone = caller.tenant === undefined || caller.role === 'tenant' || caller.role === 'account'
  const who = isAlone ? `a caller with the role ${caller.role}` : `a caller below the path of a tenant`
  throw new ApiProblem('forbidden', `${needed[access]}, not ${who}`)
}

/** Returns whether a caller sees what belongs to no account: administrators and readers do. */
export const seesLab = (caller: Caller): boolean => allowedAccess(caller).includes('inspect')

/** Returns whether a caller sees the folders of an owner. */
export function seesOwner({ role, name, tenant, seesCaptured = true }: Caller, owner: Owner): boolean {
  if (owner === PUBLIC_OWNER) return true
  if (owner === CAPTURED_OWNER) return seesCaptured
  if (role === 'account') return owner === accountOwner(name)
  return tenant === undefined || tenant.ownsAccount(accountOf({ owner }) ?? '')
}

/** Returns whether a caller sees a folder. A tenant and its accounts see only its own newsgroups. */
export function seesFolder(caller: Caller, folder: Folder): boolean {
  if (folder.owner !== PUBLIC_OWNER) return seesOwner(caller, folder.owner)
  if (caller.role === 'account') return isVisibleTo(folder, caller.name, caller.tenant)
  return caller.tenant === undefined || caller.tenant.ownsNewsgroup(folder.name)
}

/**
 * Returns whether a caller may change, delete and move messages of a folder. Articles belong to everybody, and so do their
 * flags: accounts only cancel their own.
 */
export const mayChangeIn = ({ role }: Caller, { owner }: Folder): boolean =>
  role !== 'account' || owner !== PUBLIC_OWNER

/** @throws ApiProblem `forbidden` for articles, if an account calls */
export function assertMayChangeIn(caller: Caller, folder: Folder): void {
  if (mayChangeIn(caller, folder)) return
  throw new ApiProblem(
    'forbidden',
    'an account does not change, delete or move articles, which belong to everybody; cancel your own: POST /api/v1/messages/ID/cancel',
  )
}

/** Returns whether a caller sees a message of a folder that it sees. Captured mail belongs to its sender and its recipients. */
export const seesMessage = ({ tenant }: Caller, { owner }: Folder, entry: MessageEntry | undefined): boolean =>
  owner !== CAPTURED_OWNER || tenant === undefined || tenant.ownsEnvelope(entry?.envelope)

/**
 * Returns whether a caller sees a session: administrators and readers all, others those with their own log-on that nobody
 * else has used. Its transcript has the requests of all.
 */
export function seesSession(
  { role, name, tenant }: Caller,
  { user, usedBy = [] }: Pick<SessionRecord, 'user' | 'usedBy'>,
): boolean {
  if (role === 'account') return user === name && usedBy.length === 0
  return tenant === undefined || (user !== undefined && [user, ...usedBy].every((one) => tenant.ownsAccount(one)))
}
