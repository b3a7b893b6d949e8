import type { TextKey } from '../../texts/catalogue.ts'

/** A setting on the property sheet of a virtual server. Its key is that of the YAML. */
export interface SettingField {
  /** `limits.connections`: the key in the YAML. */
  readonly key: string
  /** Whether it is a key of the whole lab, not of the virtual server. */
  readonly ofLab?: boolean
  readonly label: TextKey
  readonly hint?: TextKey
  /** list: words between spaces or commas. yaml: a value that has parts, written as in the file. */
  readonly kind: 'text' | 'number' | 'check' | 'choice' | 'list' | 'yaml'
  readonly choices?: readonly string[]
  /** The meaning of an empty field. Default: the default. */
  readonly empty?: TextKey
  /** A word that takes the place of a list. */
  readonly word?: string
  /** Only on virtual servers of these protocols. */
  readonly only?: readonly string[]
}

/** A group of settings, as a frame on a property page. */
export interface FieldGroup {
  readonly title?: TextKey
  readonly fields: readonly SettingField[]
  /** The certificate belongs here. */
  readonly certificate?: boolean
  /** A line above the fields, for these protocols only. */
  readonly note?: { readonly text: TextKey; readonly only?: readonly string[] }
}

/** The pages of settings. The page of the faults is beside them. */
export type SheetName = 'general' | 'access' | 'messages' | 'delivery'

const MAIL = ['smtp', 'lmtp', 'managesieve', 'pop3', 'imap4', 'http']
/** The servers that each protocol can imitate. */
const PERSONALITIES = {
  smtp: ['exchange2003', 'gmail', 'microsoft365', 'courier'],
  pop3: ['exchange2003', 'gmail', 'microsoft365', 'dovecot', 'courier'],
  imap4: ['exchange2003', 'gmail', 'microsoft365', 'dovecot', 'courier'],
  nntp: ['exchange2003'],
  lmtp: ['dovecot'],
  managesieve: ['dovecot'],
}
const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

/** The property pages, named as in Exchange System Manager, with what each has. */
export const sheets: Readonly<Record<SheetName, readonly FieldGroup[]>> = {
  general: [
    {
      fields: [
        { key: 'name', label: 'servers.name', hint: 'servers.nameHint', kind: 'text' },
        { key: 'address', label: 'servers.address', hint: 'servers.addressHint', kind: 'text' },
        { key: 'port', label: 'servers.port', hint: 'servers.portHint', kind: 'number' },
        { key: 'tlsPort', label: 'servers.tlsPort', hint: 'servers.portHint', kind: 'number' },
        ...Object.entries(PERSONALITIES).map(([protocol, names]) => ({
          key: 'personality',
          label: 'servers.personality' as const,
          hint: 'servers.personalityHint' as const,
          kind: 'choice' as const,
          choices: ['', 'sealpost', ...names],
          only: [protocol],
        })),
      ],
    },
    {
      title: 'servers.limits',
      fields: [
        { key: 'limits.connections', label: 'servers.connections', hint: 'servers.countHint', kind: 'number' },
        {
          key: 'limits.connectionsPerAddress',
          label: 'servers.connectionsPerAddress',
          hint: 'servers.countHint',
          kind: 'number',
        },
        { key: 'limits.idleTimeout', label: 'servers.idleTimeout', hint: 'servers.durationHint', kind: 'text' },
        { key: 'limits.logonTimeout', label: 'servers.logonTimeout', hint: 'servers.timeLimitHint', kind: 'text' },
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
          hint: 'servers.timeLimitHint',
          kind: 'text',
        },
        {
          key: 'limits.rate.connections',
          label: 'servers.rateConnections',
          empty: 'servers.noLimit',
          kind: 'number',
        },
        { key: 'limits.rate.per', label: 'servers.ratePer', hint: 'servers.durationHint', kind: 'text' },
        { key: 'hosts', label: 'servers.hosts', hint: 'servers.hostsHint', kind: 'list', only: ['http'] },
      ],
    },
    {
      title: 'servers.relayRestrictions',
      fields: [
        { key: 'relay', label: 'servers.relay', kind: 'choice', choices: ['capture', 'deny'], only: ['smtp', 'lmtp'] },
      ],
    },
  ],
  messages: [
    {
      fields: [
        { key: 'limits.messageSize', label: 'servers.messageSize', hint: 'servers.sizeHint', kind: 'text' },
        { key: 'limits.recipients', label: 'servers.recipients', kind: 'number', only: ['smtp', 'lmtp'] },
        {
          key: 'limits.messagesPerConnection',
          label: 'servers.perConnection',
          hint: 'servers.countHint',
          kind: 'number',
          only: ['smtp', 'lmtp'],
        },
      ],
    },
    {
      title: 'servers.rate',
      fields: [
        {
          key: 'limits.rate.messages',
          label: 'servers.rateMessages',
          empty: 'servers.noLimit',
          kind: 'number',
          only: ['smtp', 'lmtp'],
        },
        {
          key: 'limits.rate.per',
          label: 'servers.ratePer',
          hint: 'servers.durationHint',
          kind: 'text',
          only: ['smtp', 'lmtp'],
        },
        {
          key: 'limits.rate.by',
          label: 'servers.rateBy',
          kind: 'choice',
          choices: ['', 'account', 'address', 'connection'],
          only: ['smtp', 'lmtp'],
        },
        {
          key: 'limits.rate.exceeded',
          label: 'servers.rateExceeded',
          kind: 'choice',
          choices: ['', 'defer', 'disconnect'],
          only: ['smtp', 'lmtp'],
        },
      ],
    },
  ],
  delivery: [
    {
      title: 'servers.recipientsOfLab',
      note: { text: 'servers.staysInLab' },
      fields: [
        {
          key: 'directory.unknown',
          ofLab: true,
          label: 'servers.unknownRecipients',
          kind: 'choice',
          choices: ['refuse', 'capture'],
          only: ['smtp', 'lmtp'],
        },
        {
          key: 'mail.captured.readers',
          ofLab: true,
          label: 'servers.capturedReaders',
          hint: 'servers.capturedReadersHint',
          kind: 'list',
          word: 'all',
          only: ['smtp', 'lmtp', 'imap4', 'http'],
        },
      ],
    },
    {
      title: 'servers.mailboxes',
      note: { text: 'servers.wholeLab' },
      fields: [
        {
          key: 'directory.quota.size',
          ofLab: true,
          label: 'servers.quotaSize',
          hint: 'servers.sizeHint',
          empty: 'servers.noLimit',
          kind: 'text',
          only: ['smtp', 'lmtp', 'imap4'],
        },
        {
          key: 'directory.quota.messages',
          ofLab: true,
          label: 'servers.quotaMessages',
          empty: 'servers.noLimit',
          kind: 'number',
          only: ['smtp', 'lmtp', 'imap4'],
        },
        {
          key: 'directory.quota.exceeded',
          ofLab: true,
          label: 'servers.quotaExceeded',
          kind: 'choice',
          choices: ['', 'defer', 'refuse'],
          only: ['smtp', 'lmtp'],
        },
        {
          key: 'retention',
          ofLab: true,
          label: 'servers.retention',
          hint: 'servers.retentionHint',
          kind: 'yaml',
          only: ['smtp', 'lmtp', 'managesieve', 'pop3', 'imap4', 'nntp'],
        },
      ],
    },
    {
      title: 'servers.news',
      fields: [
        { key: 'motd', label: 'servers.motd', kind: 'text', only: ['nntp'] },
        {
          key: 'distributions',
          label: 'servers.distributions',
          hint: 'servers.distributionsHint',
          kind: 'yaml',
          only: ['nntp'],
        },
      ],
    },
  ],
}
