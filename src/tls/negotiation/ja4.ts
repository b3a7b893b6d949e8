import { createHash } from 'node:crypto'
import type { ClientHelloFacts } from '../../core/sessions/types.ts'
import { extensionTypes } from './client-hello-extensions.ts'

type Ja4Facts = Pick<
  ClientHelloFacts,
  'versions' | 'suites' | 'signallingSuites' | 'alpn' | 'extensions' | 'signatureAlgorithms'
>

/** The version in the fingerprint. */
const versionCodes: Readonly<Record<string, string>> = {
  'TLSv1.3': '13',
  'TLSv1.2': '12',
  'TLSv1.1': '11',
  TLSv1: '10',
  SSLv3: 's3',
  SSLv2: 's2',
}

/**
 * Returns the JA4 fingerprint of a ClientHello, which many tools use to recognize client software. FoxIO publishes JA4
 * (not the other methods of the JA4+ family) under the BSD 3-Clause license: https://github.com/FoxIO-LLC/ja4.
 */
export function ja4(facts: Ja4Facts): string {
  const suites = [...facts.suites, ...(facts.signallingSuites ?? [])]
  const extensions = facts.extensions ?? []
  const hasName = extensions.includes(extensionTypes.serverName)
  const start = `t${highestVersion(facts.versions)}${hasName ? 'd' : 'i'}${count(suites)}${count(extensions)}${alpnCode(facts.alpn)}`
  const listed = extensions.filter((type) => type !== extensionTypes.serverName && type !== extensionTypes.alpn)
  const algorithms = facts.signatureAlgorithms ?? []
  const rest = [sortedHex(listed), ...(algorithms.length > 0 ? [algorithms.map(hexId).join(',')] : [])].join('_')
  return `${start}_${hash(sortedHex(suites))}_${extensions.length === 0 ? NONE : hash(rest)}`
}

const NONE = '0'.repeat(12)

const highestVersion = (versions: readonly string[]): string =>
  Object.entries(versionCodes).find(([name]) => versions.includes(name))?.[1] ?? '00'

/** At most 99. */
const count = ({ length }: readonly number[]): string => String(Math.min(length, 99)).padStart(2, '0')

/** Returns the first and the last character of the first name, or of its hexadecimal form if they are no letters or digits. */
function alpnCode([name]: readonly string[]): string {
  if (name === undefined) return '00'
  const isPlain = /^[0-9A-Za-z](?:[^]*[0-9A-Za-z])?$/.test(name)
  const text = isPlain ? name : Buffer.from(name, 'latin1').toString('hex')
  return `${text.at(0)}${text.at(-1)}`
}

const hexId = (id: number): string => id.toString(16).padStart(4, '0')
const sortedHex = (ids: readonly number[]): string => ids.map(hexId).sort().join(',')
const hash = (text: string): string =>
  text === '' ? NONE : createHash('sha256').update(text).digest('hex').slice(0, NONE.length)
