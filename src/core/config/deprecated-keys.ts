/** A key that has another name, another place or another form of a value now. */
export interface Deprecation {
  /** The mappings that can have the key, in their present form. `*` is every item of a list, `` the whole configuration. */
  readonly mappings: readonly string[]
  readonly from: string
  /** The present place, from the same mapping: `packets`, `news.groups`. */
  readonly to: string
  /** Values that are written in another way now. A key that keeps its name is deprecated only with these. */
  readonly values?: Readonly<Record<string, unknown>>
  /** The version that introduced the present form. The old one works until the next minor version, with a warning. */
  readonly since: string
}

const top = { mappings: [''], since: '0.1.0' } as const

/**
 * Rows are applied in this order. They stay here when their time is over: `sealpost config migrate` also rewrites the
 * files of old versions.
 */
export const deprecations = [
  { ...top, from: 'certificate', to: 'certificates.default' },
  { ...top, from: 'certificateProfiles', to: 'certificates.profiles' },
  { ...top, from: 'authorityService', to: 'certificates.service' },
  { ...top, from: 'captured', to: 'mail.captured' },
  { ...top, from: 'tagging', to: 'mail.tagging' },
  { ...top, from: 'reports', to: 'mail.reports' },
  { ...top, from: 'mailAuthentication', to: 'mail.authentication' },
  { ...top, from: 'forwardRules', to: 'mail.forwardRules' },
  { ...top, from: 'spamFilter', to: 'mail.spamFilter' },
  { ...top, from: 'connectors', to: 'outgoing.connectors' },
  { ...top, from: 'mtaSts', to: 'outgoing.mtaSts' },
  { ...top, from: 'tlsReports', to: 'outgoing.tlsReports' },
  { ...top, from: 'newsgroups', to: 'news.groups' },
  { ...top, from: 'control', to: 'news.control' },
  { ...top, from: 'controlSenders', to: 'news.senders' },
  { ...top, from: 'administrators', to: 'access.administrators' },
  { ...top, from: 'tokens', to: 'access.tokens' },
  { ...top, from: 'faults', to: 'testing.faults' },
  { ...top, from: 'faultSeed', to: 'testing.seed' },
  { ...top, from: 'capture', to: 'testing.packets' },
  { ...top, from: 'verify', to: 'testing.verify' },
  { ...top, from: 'audit', to: 'testing.audit' },
  { mappings: ['certificates'], from: 'renewAcme', to: 'renew', since: '0.1.0' },
  { mappings: ['certificates.service.acme'], from: 'addresses', to: 'from', since: '0.1.0' },
  { mappings: ['mail.authentication.dkim.*', 'mail.authentication.arc'], from: 'key', to: 'keyFile', since: '0.1.0' },
  { mappings: ['news.groups.*'], from: 'expireAfter', to: 'keep.age', since: '0.1.0' },
  { mappings: ['news.groups.*'], from: 'keepLatest', to: 'keep.count', since: '0.1.0' },
  { mappings: ['news.senders.*'], from: 'key', to: 'keyFile', since: '0.1.0' },
  { mappings: ['retention.*'], from: 'age', to: 'keep.age', since: '0.1.0' },
  { mappings: ['retention.*'], from: 'count', to: 'keep.count', since: '0.1.0' },
  { mappings: ['retention.*'], from: 'size', to: 'keep.size', since: '0.1.0' },
  { mappings: ['virtualServers.*'], from: 'capture', to: 'packets', since: '0.1.0' },
  { mappings: ['virtualServers.*'], from: 'forwardedFrom', to: 'forwarded.from', since: '0.1.0' },
  { mappings: ['virtualServers.*.feeds.*'], from: 'addresses', to: 'from', since: '0.1.0' },
  { mappings: ['virtualServers.*.tls'], from: 'legacy', to: 'legacy', values: { false: 'off' }, since: '0.1.0' },
] as const satisfies readonly Deprecation[]

/** Mappings that can also be written as one value, and the key of that value. */
export const shortForms: Readonly<Record<string, string>> = { certificates: 'store' }

type TopLevel = Extract<(typeof deprecations)[number], { readonly mappings: readonly [''] }>

type At<Value, Place extends string> = Place extends `${infer Step}.${infer Rest}`
  ? At<Exclude<Step extends keyof Value ? Value[Step] : never, string | undefined>, Rest>
  : Place extends keyof Value
    ? Value[Place]
    : never

/** The deprecated top-level keys of a configuration. */
export type OldKeys<Input> = { [Row in TopLevel as Row['from']]?: At<Input, Row['to']> }
