import { call } from '../../api/client.ts'
import type { TextKey } from '../../texts/catalogue.ts'
import type { Schema } from './fields.ts'

export type Values = Readonly<Record<string, unknown>>

/** One kind of thing that a lab has several of: a list, a form, and the place in the configuration. */
export interface Section {
  readonly name: SectionName
  readonly title: TextKey
  readonly hint: TextKey
  /** The words of the button that adds one. */
  readonly add: TextKey
  /** The key that names one. Absent: they have numbers only. */
  readonly key?: string
  /** Where the configuration has the list, or the mapping by name if `isMapping`. Absent: only the API has it. */
  readonly path?: readonly string[]
  readonly isMapping?: boolean
  /** The fields that the form shows first. */
  readonly fields: readonly string[]
  /** Returns values that the form of a new one proposes. */
  readonly proposed?: () => Readonly<Record<string, string>>
  /** The fields that the list shows. */
  readonly columns: readonly string[]
  /** Values that the configuration does not have, and those of them that the list shows. */
  readonly live?: { readonly read: () => Promise<readonly Values[]>; readonly columns: readonly string[] }
  /** How what the configuration does not have is created and removed. */
  readonly schema?: Schema
  readonly create?: (values: Values) => Promise<unknown>
  readonly remove?: (name: string) => Promise<unknown>
}

type SectionName =
  | 'accounts'
  | 'tenants'
  | 'newsgroups'
  | 'connectors'
  | 'forwardRules'
  | 'zones'
  | 'webhooks'
  | 'clients'
  | 'tokens'

/** Returns a key of signatures, which every webhook needs, in the form of Standard Webhooks. */
const newSigningSecret = (): string =>
  `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24))))}`

const textKeys = (name: SectionName) =>
  ({ name, title: `lab.${name}`, hint: `lab.${name}Hint`, add: `lab.add_${name}` }) as const

/** Everything that the page Lab shows. */
export const sections: readonly Section[] = [
  {
    ...textKeys('accounts'),
    key: 'user',
    path: ['directory', 'accounts'],
    fields: ['password', 'addresses', 'quota', 'state'],
    columns: ['addresses', 'state', 'quota'],
    live: { read: async () => (await call('accounts.list', {})).items, columns: ['messages', 'unread'] },
    remove: (user) => call('accounts.delete', { user }),
  },
  {
    ...textKeys('tenants'),
    key: 'name',
    fields: ['name', 'accounts'],
    columns: [],
    live: { read: async () => (await call('tenants.list', {})).items, columns: ['baseUrl', 'accounts'] },
    schema: {
      required: [],
      properties: {
        name: { type: 'string', description: 'Name of the tenant. Default: a random name.' },
        accounts: {
          type: 'array',
          items: { type: 'string' },
          default: ['alice', 'bob'],
          description: 'Names of the accounts. Each gets the prefix `TENANT-`.',
        },
      },
    },
    create: (values) => call('tenants.create', values),
    remove: (name) => call('tenants.delete', { name }),
  },
  {
    ...textKeys('newsgroups'),
    key: 'name',
    path: ['news', 'groups'],
    fields: ['description', 'posting', 'moderator', 'access'],
    columns: ['description', 'posting'],
    live: { read: async () => (await call('newsgroups.list', {})).items, columns: ['messages'] },
    remove: (name) => call('newsgroups.delete', { name }),
  },
  {
    ...textKeys('connectors'),
    key: 'name',
    path: ['outgoing', 'connectors'],
    fields: ['domains', 'smartHost', 'route', 'when'],
    columns: ['domains', 'smartHost', 'when'],
    live: { read: async () => (await call('connectors.list', {})).items, columns: ['sent', 'failed'] },
  },
  {
    ...textKeys('forwardRules'),
    path: ['mail', 'forwardRules'],
    fields: ['filters', 'to', 'connector'],
    columns: ['to', 'filters', 'connector'],
  },
  {
    ...textKeys('zones'),
    key: 'name',
    path: ['dns', 'zones'],
    isMapping: true,
    fields: ['records', 'defects', 'generated', 'dnssec'],
    columns: [],
    live: { read: async () => (await call('dnsZones.list', {})).items, columns: ['records', 'signed', 'defects'] },
  },
  {
    ...textKeys('webhooks'),
    key: 'url',
    path: ['webhooks'],
    fields: ['events', 'filter', 'format', 'secret'],
    proposed: () => ({ secret: newSigningSecret() }),
    columns: ['events'],
    live: { read: async () => (await call('webhooks.list', {})).items, columns: ['pending', 'delivered', 'failed'] },
  },
  {
    ...textKeys('clients'),
    key: 'clientId',
    path: ['oauth2', 'clients'],
    fields: ['clientSecret', 'redirectUris', 'user'],
    columns: ['redirectUris', 'user'],
  },
  {
    ...textKeys('tokens'),
    key: 'name',
    path: ['access', 'tokens'],
    fields: ['role', 'token'],
    columns: ['role'],
  },
]

/** One row of a list. */
export interface Item {
  readonly name: string
  /** Its step in the configuration: the number in a list, or the name in a mapping. Absent: it is not there. */
  readonly step?: string
  /** Its values in the configuration, with all defaults. */
  readonly values: Values
  readonly live: Values
}

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((one, key) => (one as Values | undefined)?.[key], value)

/** The key of the changes of something that are not applied yet. */
export const draftKey = ({ name }: Section, item: Item | undefined): string => `lab ${name} ${item?.name ?? ''}`

/** Returns the rows of a section: those of the configuration, then those that only the lab knows. */
export function itemsOf({ key, path, isMapping }: Section, configuration: Values, live: readonly Values[]): Item[] {
  const found = path ? at(configuration, path) : undefined
  const nameOf = (values: Values, step: string): string =>
    key === undefined ? `${Number(step) + 1}` : `${values[key]}`
  const liveOf = (name: string): Values => live.find((one) => key !== undefined && one[key] === name) ?? {}
  const configured = Object.entries((found ?? {}) as Record<string, Values>).map(([step, values]): Item => {
    const name = isMapping ? step : nameOf(values, step)
    return { name, step, values: isMapping && key ? { ...values, [key]: name } : values, live: liveOf(name) }
  })
  const names = new Set(configured.map(({ name }) => name))
  const others = key === undefined ? [] : live.filter((one) => !names.has(`${one[key]}`))
  return [...configured, ...others.map((one): Item => ({ name: `${one[key as string]}`, values: {}, live: one }))]
}

/** Returns the schema of one thing of a section. */
export function schemaOf({ schema, path, isMapping, key }: Section, whole: Schema): Schema {
  if (schema || !path) return schema ?? {}
  const list = path.reduce<Schema | undefined>((one, step) => one?.properties?.[step], whole)
  if (!isMapping || !key) return list?.items ?? {}
  const item = list?.additionalProperties ?? {}
  return { ...item, required: [key], properties: { [key]: { type: 'string' }, ...item.properties } }
}

/** Returns the JSON pointer of something in the configuration. RFC 6901 section 3. */
export const pointerTo = ({ path = [] }: Section, step: string): string =>
  `/${[...path, step].map((one) => one.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
