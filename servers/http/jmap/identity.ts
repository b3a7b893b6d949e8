import { createHash, randomBytes } from 'node:crypto'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { SUBMISSION } from './capabilities.ts'
import { KeptObjects } from './kept-objects.ts'
import { isString, patched } from './standard.ts'
import { type DataType, invalidProperties, type JmapRequest, type JsonObject, SetError } from './types.ts'

/** RFC 8621 section 4.1.2.3. */
export interface EmailAddress {
  readonly name?: string | null
  readonly email: string
}

/** An identity as the store keeps it. RFC 8621 section 6. */
export interface Identity {
  readonly name: string
  readonly email: string
  readonly replyTo: readonly EmailAddress[] | null
  readonly bcc: readonly EmailAddress[] | null
  readonly textSignature: string
  readonly htmlSignature: string
  /** False: the account has it because of its address. */
  readonly mayDelete: boolean
}

const isAddress = (value: unknown): value is EmailAddress =>
  isMapping(value) && isString(value.email) && (value.name === null || value.name === undefined || isString(value.name))
const isAddresses = (value: unknown): boolean => value === null || (Array.isArray(value) && value.every(isAddress))

/** The properties that clients may set, and what they may be. */
const SETTABLE: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: isString,
  email: isString,
  replyTo: isAddresses,
  bcc: isAddresses,
  textSignature: isString,
  htmlSignature: isString,
}
const EMPTY: Identity = {
  ...{ name: '', email: '', replyTo: null, bcc: null },
  ...{ textSignature: '', htmlSignature: '', mayDelete: true },
}

const kept = ({ account: { store, owner } }: JmapRequest) => new KeptObjects<Identity>(store, owner, 'identity')

/** Returns whether an account may send from an address: it belongs to the account, also with a detail. */
export const maySendFrom = ({ context, account }: JmapRequest, email: string): boolean =>
  /^[^\s<>]+@[^\s<>]+$/.test(email) && context.directory.isSame(context.directory.findByAddress(email), account.account)

const idOf = (email: string): string => `A${createHash('sha256').update(email).digest('base64url').slice(0, 20)}`

/** Returns the identities that the account has because of its addresses. */
const givenTo = ({ account: { account, address } }: JmapRequest): Map<string, Identity> =>
  new Map(
    [...new Set([...account.addresses, address])].map((email) => [idOf(email), { ...EMPTY, email, mayDelete: false }]),
  )

/** Returns the identities of the account by their ids. @throws StoreError */
export async function identitiesOf(request: JmapRequest): Promise<ReadonlyMap<string, Identity>> {
  const given = givenTo(request)
  const all = [...(await kept(request).get())].filter(([id, { mayDelete }]) => mayDelete || given.has(id))
  return new Map([...given, ...all])
}

/** The addresses of the account may change with the configuration, which makes all states old. */
const suffixOf = (request: JmapRequest): string => `-${idOf([...givenTo(request).keys()].join(' '))}`

/** @throws SetError `invalidProperties` */
function assertRight(given: JsonObject): void {
  const wrong = Object.keys(given).filter((name) => !SETTABLE[name]?.(given[name]))
  if (wrong.length > 0)
    throw invalidProperties(wrong, `${wrong.join(', ')} cannot be set, or not to values of this type`)
}

/** RFC 8621 section 6. */
export const identity: DataType = {
  name: 'Identity',
  capability: SUBMISSION,
  properties: ['id', 'name', 'email', 'replyTo', 'bcc', 'textSignature', 'htmlSignature', 'mayDelete'],
  state: async (call) => `${await kept(call).state()}${suffixOf(call)}`,

  async get(call, ids) {
    const all = await identitiesOf(call)
    return (ids ?? [...all.keys()]).flatMap((id) => (all.has(id) ? [{ id, ...all.get(id) }] : []))
  },

  async changes(call, sinceState, max) {
    const suffix = suffixOf(call)
    if (!sinceState.endsWith(suffix)) return undefined
    const found = await kept(call).changes(Number(sinceState.slice(0, -suffix.length)), max)
    return found && { ...found, newState: `${found.newState}${suffix}` }
  },

  async create(call, object) {
    assertRight(object)
    const made = { ...EMPTY, ...object } as Identity
    if (!isString(object.email)) throw invalidProperties(['email'], 'email is missing')
    // RFC 8621 section 6.3
    if (!maySendFrom(call, made.email))
      throw new SetError('forbiddenFrom', `the account may not send from ${made.email}`)
    const id = `I${randomBytes(12).toString('base64url')}`
    await kept(call).change(id, () => made)
    return { id, ...made }
  },

  async update(call, id, patch) {
    const before = (await identitiesOf(call)).get(id)
    if (!before) throw new SetError('notFound', `there is no identity ${id}`)
    const { mayDelete: _, ...settable } = before
    const next = patched(settable, patch)
    // RFC 8621 section 6: null is the default.
    const filled = Object.fromEntries(
      Object.entries(next).map(([name, value]) => [name, value ?? EMPTY[name as keyof Identity]]),
    )
    assertRight(filled)
    if (filled.email !== before.email) throw invalidProperties(['email'], 'the email of an identity cannot be changed')
    await kept(call).change(id, () => ({ ...before, ...filled }), !before.mayDelete)
    return null
  },

  async destroy(call, id) {
    const found = (await identitiesOf(call)).get(id)
    if (!found) throw new SetError('notFound', `there is no identity ${id}`)
    if (!found.mayDelete) throw new SetError('forbidden', `the account has the address ${found.email}`)
    await kept(call).change(id, () => undefined)
  },
}
