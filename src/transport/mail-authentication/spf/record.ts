import { isIPv4, isIPv6 } from 'node:net'

/** The result of a mechanism that matches. RFC 7208 section 4.6.2. */
export type Qualified = 'pass' | 'fail' | 'softfail' | 'neutral'

/** An SPF record that cannot be evaluated, or a lookup that failed. RFC 7208 sections 2.6.6 and 2.6.7. */
export class SpfError extends Error {
  override readonly name = 'SpfError'
  readonly result: 'permerror' | 'temperror'
  constructor(result: SpfError['result'], reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.result = result
  }
}

/** A mechanism of a record. RFC 7208 section 5. */
export interface Mechanism {
  readonly name: 'all' | 'include' | 'a' | 'mx' | 'ptr' | 'ip4' | 'ip6' | 'exists'
  readonly result: Qualified
  /** The domain that is looked up, with macros. Undefined: the domain of the record. */
  readonly domainSpec: string | undefined
  /** The address of `ip4` and `ip6`. */
  readonly address: string | undefined
  readonly ip4Prefix: number
  readonly ip6Prefix: number
}

/** The terms of a record. RFC 7208 section 4.6.1. */
interface SpfRecord {
  readonly mechanisms: readonly Mechanism[]
  readonly redirect: string | undefined
  readonly exp: string | undefined
}

const QUALIFIERS: Readonly<Record<string, Qualified>> = {
  '': 'pass',
  '+': 'pass',
  '-': 'fail',
  '~': 'softfail',
  '?': 'neutral',
}

// RFC 7208 section 7.1. The number of labels must not be zero, and c, r and t are only for explanations (section 7.2).
const MACRO = '%(?:\\{[slodiphv](?:0*[1-9]\\d*)?r?[.+,/_=-]*\\}|[%_-])'
const MACRO_STRING = `(?:[!-$&-~]|${MACRO})*`
const TOP_LABEL = '(?!\\d+(?:[./]|$))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const DOMAIN_SPEC = `(?<domainSpec>${MACRO_STRING}(?:\\.${TOP_LABEL}\\.?|${MACRO}))`
const IP4_PREFIX = '(?:/(?<ip4Prefix>0|[1-9]\\d?))?'
const ip6Prefix = (slashes: string): string => `(?:${slashes}(?<ip6Prefix>0|[1-9]\\d{0,2}))?`
const DUAL_PREFIX = `${IP4_PREFIX}${ip6Prefix('//')}`

/** The arguments of each mechanism. RFC 7208 section 12. */
const ARGUMENTS: Readonly<Record<Mechanism['name'], string>> = {
  all: '',
  include: `:${DOMAIN_SPEC}`,
  a: `(?::${DOMAIN_SPEC})?${DUAL_PREFIX}`,
  mx: `(?::${DOMAIN_SPEC})?${DUAL_PREFIX}`,
  ptr: `(?::${DOMAIN_SPEC})?`,
  ip4: `:(?<address>[\\d.]+)${IP4_PREFIX}`,
  ip6: `:(?<address>[\\da-f:.]+)${ip6Prefix('/')}`,
  exists: `:${DOMAIN_SPEC}`,
}

const wholePattern = (pattern: string): RegExp => new RegExp(`^${pattern}$`, 'i')

const MECHANISMS = Object.entries(ARGUMENTS).map(([name, form]) => ({
  name: name as Mechanism['name'],
  form: wholePattern(`(?<qualifier>[+?~-]?)${name}${form}`),
}))

const MODIFIER = /^([a-z][a-z0-9._-]*)=(.*)$/is
const UNKNOWN_MODIFIER = wholePattern(MACRO_STRING)
const DOMAIN = wholePattern(DOMAIN_SPEC)

/** Parses a record whole: a syntax error anywhere counts. RFC 7208 section 4.6. @throws SpfError */
export function parseRecord(text: string): SpfRecord {
  const mechanisms: Mechanism[] = []
  const modifiers = new Map<string, string>()
  for (const term of text.split(' ').slice(1)) {
    if (term === '') continue
    const [, name, value = ''] = MODIFIER.exec(term) ?? []
    if (name === undefined) mechanisms.push(parseMechanism(term))
    else if (!addModifier(modifiers, name.toLowerCase(), value)) throw invalidTerm(term)
  }
  return { mechanisms, redirect: modifiers.get('redirect'), exp: modifiers.get('exp') }
}

const invalidTerm = (term: string): SpfError => new SpfError('permerror', `invalid term ${term}`)

/** Returns whether a modifier is valid: `redirect` and `exp` once with a domain, others with any text. RFC 7208 section 6. */
function addModifier(modifiers: Map<string, string>, name: string, value: string): boolean {
  if (name !== 'redirect' && name !== 'exp') return UNKNOWN_MODIFIER.test(value)
  if (modifiers.has(name)) return false
  modifiers.set(name, value)
  return DOMAIN.test(value)
}

function parseMechanism(term: string): Mechanism {
  for (const { name, form } of MECHANISMS) {
    const { groups } = form.exec(term) ?? {}
    if (!groups) continue
    const { qualifier = '', domainSpec, address } = groups
    const ip4Prefix = Number(groups.ip4Prefix ?? 32)
    const ip6Prefix = Number(groups.ip6Prefix ?? 128)
    const isAddress = address === undefined || (name === 'ip4' ? isIPv4(address) : isIPv6(address))
    if (ip4Prefix > 32 || ip6Prefix > 128 || !isAddress) throw invalidTerm(term)
    return { name, result: QUALIFIERS[qualifier] ?? 'pass', domainSpec, address, ip4Prefix, ip6Prefix }
  }
  throw invalidTerm(term)
}
