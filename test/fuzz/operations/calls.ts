import fc from 'fast-check'
import { pathParameters, usesQuery } from '../../../src/api/openapi/parameters.ts'
import type { Operation } from '../../../src/api/operation.ts'
import { document, documented } from '../../servers/http/documented.ts'
import {
  anyText,
  hostileText,
  hostileTexts,
  hostileValue,
  hostileValues,
  type Known,
  type Link,
  linkTo,
  mutated,
  mutation,
  type Schema,
  validValue,
} from './values.ts'

/** How the input of a call was made. */
type Mode = 'valid' | 'near' | 'hostile'

/** A call of an operation as fast-check generates it. Links are filled in when it is made. */
export interface FuzzCall {
  /** Its name. */
  readonly operation: string
  readonly mode: Mode
  readonly input: Readonly<Record<string, unknown>>
  readonly upload: { readonly type: string; readonly content: string | Link } | undefined
  readonly caller: 'administrator' | 'reader' | 'tenant' | 'account' | 'nobody'
  /** The base below which it is made: of a tenant, or the lab. */
  readonly base: string
  /** The defect of the request besides its input. */
  readonly damage: 'none' | 'body' | 'type' | 'twice' | 'parameter'
}

const names = fc.constantFrom('fuzz1', 'fuzz2', 'fuzz3')
/** Properties whose other values would take long, such as keys of many bits and waits, or whose values are not in the schema. */
const fixed = new Set(['key', 'timeout', 'wait', 'only', 'posting'])
const timeouts = fc.constantFrom<unknown>('1ms', '3ms', 2)

/** Values that make sense for a property, by operation and name, or by name. */
const sensible: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'messages.move.folder': fc.constantFrom('INBOX', 'Archive', 'Trash', 'Fuzz'),
  'newsgroups.delete.name': linkTo('newsgroup'),
  'newsgroups.create.name': names.map((name) => `lab.${name}`),
  'tenants.delete.name': names,
  'tenants.create.name': names,
  // The other accounts are needed.
  ...Object.fromEntries(['create', 'update', 'delete'].map((verb) => [`accounts.${verb}.user`, names])),
  'authorities.create.name': names,
  'authorities.create.parent': linkTo('authority'),
  'authorities.answer.id': linkTo('authorities.id'),
  'authorities.export.name': linkTo('authority'),
  'authorities.issued.name': linkTo('authority'),
  'authorities.delete.name': names,
  'virtualServers.get.id': linkTo('virtualServers.id'),
  'folders.create.name': fc.constantFrom('Fuzz', 'Fuzz/Deep', 'Archive'),
  'folders.rename.name': fc.constantFrom('Fuzz', 'Renamed', 'INBOX'),
  'messages.send.to': fc.array(fc.constantFrom('alice', 'bob@lab.test', 'x@elsewhere.example'), { minLength: 1 }),
  'messages.import.to': fc.constantFrom('alice', 'alice,bob', 'x@elsewhere.example'),
  name: fc.oneof(linkTo('friendlyName'), linkTo('thumbprint')),
  for: fc.constantFrom('imap4', 'Default IMAP4 Virtual Server'),
  friendlyName: names,
  key: fc.constantFrom('p256', 'ed25519', 'p384'),
  authority: linkTo('authority'),
  certificate: fc.oneof(linkTo('serial'), linkTo('thumbprint')),
  account: fc.constantFrom('alice', 'bob', 'fuzz1-alice'),
  user: fc.constantFrom('alice', 'bob'),
  folder: fc.constantFrom('INBOX', 'Archive', 'Trash', 'Fuzz'),
  newsgroup: linkTo('newsgroup'),
  cursor: linkTo('next'),
  part: fc.constantFrom('1', '2', '1.1', '1.2', '2.1', '9'),
  query: fc.constantFrom(
    'is:unread',
    'from:shop subject:"x y"',
    '-tag:a',
    'larger:1k before:2027-01-01',
    'header:subject:x',
  ),
  'statistics.get.since': fc.constantFrom('2026-11-25T16:40:00Z', '2026-11-25T16:40:00.123+09:00'),
  since: fc.constantFrom('2026-11-25', '2026-11-25T16:40:00.123Z'),
  timeout: timeouts,
  wait: timeouts,
  // A moderated newsgroup needs a moderator.
  posting: fc.constantFrom('yes', 'no'),
  only: fc.constantFrom(['tls'], ['chain', 'dates']),
  'wait.to': fc.constantFrom('alice', 'alice@lab.test', 'bob'),
  'wait.from': fc.constantFrom('shop', 'shop@lab.test'),
  'wait.subject': fc.constantFrom('fuzz', 'Fuzz', 'other'),
  'wait.text': fc.constantFrom('x', 'y'),
  'faults.add.when': fc.constantFrom(
    { verb: 'RCPT' },
    { protocol: 'imap4', verb: 'SELECT' },
    { on: 'connect' },
    { user: 'bob' },
  ),
  'faults.add.do': fc.constantFrom({ reply: '451 4.7.1 Later' }, { drop: 'before' }, { delay: '1ms' }, { throttle: 9 }),
  days: fc.integer({ min: 1, max: 4000 }),
}

const uploads: Readonly<Record<string, fc.Arbitrary<string | Link>>> = {
  'messages.import': fc.oneof(
    fc.constantFrom(
      'Subject: A\r\n\r\nText\r\n',
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n',
    ),
    anyText(200).map((text) => `Subject: ${text}`),
  ),
  'authorities.sign': linkTo('csr'),
  'certificates.import': linkTo('pem'),
  'requests.install': linkTo('pem'),
}

const callers = fc.constantFrom<FuzzCall['caller']>(
  ...([
    'administrator',
    'administrator',
    'administrator',
    'administrator',
    'reader',
    'tenant',
    'account',
    'nobody',
  ] as const),
)
const bases = fc.constantFrom('', '', '', '/t/fuzz1', '/t/one')
const damages = fc.constantFrom<FuzzCall['damage']>(
  'none',
  'none',
  'none',
  'none',
  'none',
  'none',
  'body',
  'type',
  'twice',
  'parameter',
)

/** Returns the schema of an operation's whole input. */
export function inputSchema(operation: Operation): Schema {
  const { parameters, requestBody } = documented(operation)
  const body = (requestBody?.content['application/json']?.schema ?? {}) as Schema
  const given = parameters.map(({ name, schema }) => [name, schema as Schema] as const)
  const required = parameters.filter((one) => (one as { required?: boolean }).required).map(({ name }) => name)
  return {
    type: 'object',
    properties: { ...Object.fromEntries(given), ...body.properties },
    required: [...required, ...(body.required ?? [])],
  }
}

/** Returns whether a property is a part of the path or the query. */
const isText = (operation: Operation, name: string): boolean =>
  usesQuery(operation) || pathParameters(operation.path).includes(name)

/** Calls that delete much are made less often: others would find nothing. */
const rare = new Set(['reset', 'messages.deleteAll', 'certificates.delete', 'authorities.delete'])

/** Returns calls of any operation. */
export const anyCall = (operations: readonly Operation[]): fc.Arbitrary<FuzzCall> =>
  fc.oneof(...operations.map((one) => ({ weight: rare.has(one.name) ? 1 : 6, arbitrary: callsOf(one) })))

/** Returns calls of one operation: a third each with valid, nearly valid and hostile input. */
function callsOf(operation: Operation): fc.Arbitrary<FuzzCall> {
  const schema = inputSchema(operation)
  const [tag] = operation.name.split('.')
  const known = (name: string): Known | undefined => {
    const found =
      sensible[`${operation.name}.${name}`] ?? sensible[name] ?? (name === 'id' ? linkTo(`${tag}.id`) : undefined)
    return found && { values: found, isAll: fixed.has(name) }
  }
  const valid = validValue(schema, known, document) as fc.Arbitrary<Record<string, unknown>>
  const hostileField = (name: string): fc.Arbitrary<unknown> => (isText(operation, name) ? hostileText : hostileValue)
  const hostile = fc.record(
    Object.fromEntries(
      Object.keys(schema.properties ?? {}).map((name) => [
        name,
        fc.oneof(hostileField(name), known(name)?.values ?? hostileValue),
      ]),
    ),
    { requiredKeys: [...(schema.required ?? [])] },
  )
  const short = fc.tuple(valid, fc.nat(20)).map(([input, kept]) => withOneOption(input, schema.required ?? [], kept))
  const inputs = fc.oneof(
    short.map((input) => ({ mode: 'valid' as const, input })),
    valid.map((input) => ({ mode: 'valid' as const, input })),
    fc.tuple(valid, mutation).map(([input, change]) => ({ mode: 'near' as const, input: mutated(input, change) })),
    fc
      .tuple(short, hostile, fc.nat(20))
      .map(([input, wrong, at]) => ({ mode: 'hostile' as const, input: withOneOf(input, wrong, at) })),
    hostile.map((input) => ({ mode: 'hostile' as const, input })),
  )
  const types = operation.upload ?? []
  const upload =
    types.length === 0
      ? fc.constant(undefined)
      : fc.record({
          type: fc.constantFrom(...types),
          content: fc.oneof(uploads[operation.name] ?? hostileText, anyText(60)),
        })
  return fc
    .record({ inputs, upload, caller: callers, base: bases, damage: damages })
    .map(({ inputs: { mode, input }, ...call }) => ({
      operation: operation.name,
      mode,
      input: bounded(operation, input),
      ...call,
    }))
}

/** Returns what is required and one of the options: many options together often find nothing. */
function withOneOption(
  input: Record<string, unknown>,
  required: readonly string[],
  kept: number,
): Record<string, unknown> {
  const options = Object.keys(input).filter((name) => !required.includes(name))
  const option = options[kept % Math.max(1, options.length)]
  return Object.fromEntries(Object.entries(input).filter(([name]) => required.includes(name) || name === option))
}

/** Returns a call for each property of each operation and each hostile value, all else being valid. */
export function sweep(operations: readonly Operation[], seed: number): FuzzCall[] {
  return operations.flatMap((operation) => {
    const valid = callsOf(operation).filter(({ mode, upload }) => mode === 'valid' && upload?.content !== '')
    const [base] = fc.sample(valid, { seed, numRuns: 1 })
    if (base === undefined) return []
    return Object.keys(inputSchema(operation).properties ?? {}).flatMap((name) =>
      (isText(operation, name) ? hostileTexts : hostileValues).map((value): FuzzCall => {
        const input = bounded(operation, { ...base.input, [name]: value })
        return { ...base, input, mode: 'hostile', caller: 'administrator', base: '', damage: 'none' }
      }),
    )
  })
}

/** Returns a valid input with one hostile value. */
function withOneOf(
  input: Record<string, unknown>,
  wrong: Readonly<Record<string, unknown>>,
  at: number,
): Record<string, unknown> {
  const names = Object.keys(wrong)
  const name = names[at % Math.max(1, names.length)]
  return name === undefined ? input : { ...input, [name]: wrong[name] }
}

/** A wait without a time-out takes 30 seconds. A change of the configuration could end the virtual server that is fuzzed. */
function bounded(operation: Operation, input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (inputSchema(operation).properties?.dryRun) return { ...input, dryRun: true }
  if (operation.name !== 'wait') return input
  const { timeout } = input
  const isShort = timeout !== undefined && (typeof timeout !== 'number' || timeout < 10)
  return { ...input, timeout: isShort ? timeout : 1 }
}
