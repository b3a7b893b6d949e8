import { createHash, randomBytes } from 'node:crypto'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { SUBMISSION } from './capabilities.ts'
import { assertSettable, isString, orNull, type Test } from './checks.ts'
import { KeptObjects } from './kept-objects.ts'
import { editedObject } from './standard.ts'
import { type DataType, type JmapRequest, type JsonObject, notFound, SetError } from './types.ts'

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

const isAddress: Test = (value) => isMapping(value) && isString(value.email) && orNull(isString)(value.name ?? null)
const isAddresses = orNull((value) => Array.isArray(value) && value.every(isAddress))
const isText = orNull(isString)

/** The properties that clients may set. RFC 8621 section 6: null is the default. */
const SETTABLE: Readonly<Record<string, Test>> = {
  name: isText,
  email: isString,
  replyTo: isAddresses,
  bcc: isAddresses,
  textSignature: isText,
  htmlSignature: isText,
}
const EMPTY: Identity = {
  name: '',
  email: '',
  replyTo: null,
  bcc: null,
  textSignature: '',
  htmlSignature: '',
  mayDelete: true,
}

/** Returns the settable properties of an object, with the defaults in place of null. */
const identityOf = (object: JsonObject): Identity =>
  Object.fromEntries(Object.entries(EMPTY).map(([name, value]) => [name, object[name] ?? value])) as unknown as Identity

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

/** RFC 8621 section 6. */
export const identity: DataType = {
  name: 'Identity',
  capability: SUBMISSION,
  properties: ['id', ...Object.keys(EMPTY)],
  state: async (call) => `${await kept(call).state()}${suffixOf(call)}`,

  async get(call, ids) {
    const all = Array.from(await identitiesOf(call), ([id, one]) => ({ id, ...one }))
    return all.filter(({ id }) => ids?.includes(id) ?? true)
  },

  async changes(call, sinceState, max) {
    const suffix = suffixOf(call)
    if (!sinceState.endsWith(suffix)) return undefined
    const found = await kept(call).changes(Number(sinceState.slice(0, -suffix.length)), max)
    return found && { ...found, newState: `${found.newState}${suffix}` }
  },

  async create(call, object) {
    assertSettable(SETTABLE, { email: null, ...object })
    const made = identityOf(object)
    // RFC 8621 section 6.3
    if (!maySendFrom(call, made.email))
      throw new SetError('forbiddenFrom', `the account may not send from ${made.email}`)
    const id = `I${randomBytes(12).toString('base64url')}`
    await kept(call).change(id, () => made)
    return { id, ...made }
  },

  async update(call, id, patch) {
    const { email: _, ...settable } = SETTABLE
    const { after } = await editedObject(identity, settable, call, id, patch)
    const next = identityOf(after)
    await kept(call).change(id, () => next, !next.mayDelete)
    return null
  },

  async destroy(call, id) {
    const found = (await identitiesOf(call)).get(id)
    if (!found) throw notFound('Identity', id)
    if (!found.mayDelete) throw new SetError('forbidden', `the account has the address ${found.email}`)
    await kept(call).change(id, () => undefined)
  },
}
