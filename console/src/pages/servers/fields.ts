import type { TextKey } from '../../texts/catalogue.ts'

/** A setting of a virtual server on its property sheet. Its key is that of the YAML. */
export interface SettingField {
  /** `limits.connections`: the key in the YAML. */
  readonly key: string
  readonly label: TextKey
  readonly hint?: TextKey
  readonly kind: 'text' | 'number' | 'check' | 'choice' | 'list'
  readonly choices?: readonly string[]
  /** Only on virtual servers of these protocols. */
  readonly only?: readonly string[]
}

/** A group of settings, as a frame on a property page. */
export interface FieldGroup {
  readonly title?: TextKey
  readonly fields: readonly SettingField[]
  /** The certificate belongs here. */
  readonly certificate?: boolean
  /** A line in place of fields, for these protocols only. */
  readonly note?: { readonly text: TextKey; readonly only: readonly string[] }
}

export type SheetName = 'general' | 'access' | 'messages' | 'delivery'

const MAIL = ['smtp', 'pop3', 'imap4', 'http']
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** The property pages, named as in Exchange System Manager, with what each has. */
export const sheets: Readonly<Record<SheetName, readonly FieldGroup[]>> = {
  general: [
    {
      fields: [
        { key: 'address', label: 'servers.address', hint: 'servers.addressHint', kind: 'text' },
        { key: 'port', label: 'servers.port', hint: 'servers.portHint', kind: 'number' },
        { key: 'tlsPort', label: 'servers.tlsPort', hint: 'servers.portHint', kind: 'number' },
      ],
    },
    {
      title: 'servers.limits',
      fields: [
        { key: 'limits.connections', label: 'servers.connections', kind: 'number' },
        { key: 'limits.connectionsPerAddress', label: 'servers.connectionsPerAddress', kind: 'number' },
        { key: 'limits.idleTimeout', label: 'servers.idleTimeout', hint: 'servers.durationHint', kind: 'text' },
        { key: 'limits.logonTimeout', label: 'servers.logonTimeout', hint: 'servers.durationHint', kind: 'text' },
        { key: 'limits.handshakeTimeout', label: 'servers.handshakeTimeout', kind: 'text' },
      ],
    },
  ],
  access: [
    {
      title: 'servers.authentication',
      fields: [
        { key: 'authentication', label: 'servers.methods', hint: 'servers.methodsHint', kind: 'list' },
        {
          key: 'access',
          label: 'servers.withoutLogon',
          kind: 'choice',
          choices: ['anonymous', 'anonymous-read', 'authenticated'],
          only: ['nntp'],
        },
      ],
    },
    {
      title: 'servers.secureCommunication',
      certificate: true,
      note: { text: 'servers.noSecureChannel', only: ['nntp'] },
      fields: [
        { key: 'requireSecureChannel', label: 'servers.requireSecureChannel', kind: 'check', only: MAIL },
        { key: 'require128BitEncryption', label: 'servers.require128', kind: 'check' },
        {
          key: 'clientCertificates',
          label: 'servers.clientCertificates',
          kind: 'choice',
          choices: ['off', 'accept', 'require'],
        },
        { key: 'tls.minVersion', label: 'servers.minVersion', kind: 'choice', choices: ['', ...VERSIONS] },
        { key: 'tls.maxVersion', label: 'servers.maxVersion', kind: 'choice', choices: ['', ...VERSIONS] },
      ],
    },
    {
      title: 'servers.connectionControl',
      fields: [
        {
          key: 'limits.failedLogonDelay',
          label: 'servers.failedLogonDelay',
          hint: 'servers.durationHint',
          kind: 'text',
        },
        { key: 'hosts', label: 'servers.hosts', hint: 'servers.hostsHint', kind: 'list', only: ['http'] },
      ],
    },
    {
      title: 'servers.relayRestrictions',
      fields: [{ key: 'relay', label: 'servers.relay', kind: 'choice', choices: ['capture', 'deny'], only: ['smtp'] }],
    },
  ],
  messages: [
    {
      fields: [
        { key: 'limits.messageSize', label: 'servers.messageSize', hint: 'servers.sizeHint', kind: 'text' },
        { key: 'limits.recipients', label: 'servers.recipients', kind: 'number', only: ['smtp'] },
        { key: 'limits.messagesPerConnection', label: 'servers.perConnection', kind: 'number', only: ['smtp'] },
      ],
    },
  ],
  delivery: [
    {
      fields: [{ key: 'motd', label: 'servers.motd', kind: 'text', only: ['nntp'] }],
    },
  ],
}

/** Returns the groups of a page that a protocol has, with their fields. */
export const groupsFor = (name: SheetName, protocol: string): readonly FieldGroup[] =>
  sheets[name]
    .map((group) => ({ ...group, fields: group.fields.filter(({ only }) => !only || only.includes(protocol)) }))
    .filter(({ fields, certificate }) => fields.length > 0 || certificate)

/** Returns the pages that a protocol has. */
export const sheetsFor = (protocol: string): readonly SheetName[] =>
  (Object.keys(sheets) as SheetName[]).filter((name) => groupsFor(name, protocol).length > 0)

/** What a field holds: as text, except the state of a check box. */
export type FieldValue = string | boolean

/** Returns what a field shows for a value of the configuration. */
export function shownValue({ kind }: SettingField, value: unknown): FieldValue {
  if (kind === 'check') return value === true
  if (Array.isArray(value)) return value.join(', ')
  return value === undefined || value === null ? '' : String(value)
}

/** Returns the value that a field stands for. Null removes the key. */
export function settingOf({ kind }: SettingField, shown: FieldValue): unknown {
  if (typeof shown === 'boolean') return shown
  const text = shown.trim()
  if (text === '') return null
  if (kind === 'list') return text.split(/[\s,]+/)
  return kind === 'number' && /^\d+$/.test(text) ? Number(text) : text
}

/** Returns the value of a key such as `limits.connections`. */
export const valueOf = (settings: unknown, key: string): unknown =>
  key.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], settings)

/** Returns a merge patch with the keys `limits.connections` … in their places. RFC 7396. */
export function patchOf(changes: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const patch: Record<string, unknown> = {}
  for (const [key, value] of changes) {
    const [first = '', second] = key.split('.')
    if (second === undefined) patch[first] = value
    else patch[first] = { ...(patch[first] as object | undefined), [second]: value }
  }
  return patch
}
