import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Example, Examples } from '../../../src/api/openapi/examples.ts'
import type { Operation } from '../../../src/api/operation.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import type { Answer } from './client.ts'
import type { ExampleRequest } from './operation-cases.ts'

/** Set by `npm run api:examples`. */
export const isRecording = process.env.SEALPOST_RECORD_EXAMPLES === '1'

/** Writes the file of the examples. */
export function writeExamples(examples: Examples): void {
  const file = fileURLToPath(new URL('../../../src/api/openapi/examples.json', import.meta.url))
  const lines = Object.entries(examples).map(
    ([name, example]) => `  ${JSON.stringify(name)}: ${JSON.stringify(example)}`,
  )
  writeFileSync(file, `{\n${lines.sort().join(',\n')}\n}\n`)
}

/** The time at which every example is said to be recorded. */
const RECORDED_AT = Date.parse('2026-11-26T05:31:34.541Z')
const FIVE_MINUTES_MS = 5 * 60_000
const DAY_MS = 24 * 60 * 60_000
/** Longer lists of objects, objects and texts are shortened. */
const MAX_ITEMS = 3
const SHOWN_ITEMS = 2
const MAX_KEYS = 40
const SHOWN_KEYS = 4
const MAX_TEXT = 1000
const SHOWN_TEXT = 600

/** The ports that examples show for those of the virtual servers, by protocol or name. */
const usualPorts = {
  smtp: [3025, 3465],
  imap4: [3143, 3993],
  nntp: [3119, 3563],
  http: [8025, 8443],
  open: [8026, 8444],
} as const

/** Values that differ from run to run, by their keys. */
const fixed: Readonly<Record<string, unknown>> = {
  accessToken: 'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl',
  caches: 14958,
  captures: 18240,
  clientOctets: 217030,
  completedHandshakes: { smtp: 1 },
  connections: { http: 1, smtp: 2 },
  droppedMessages: {},
  durationMs: 19,
  etag: 'mYd9Vw3AN3s1bq0YJ6q2v0',
  failedHandshakes: { smtp: 1 },
  freeOctets: 1073720784,
  handshakes: { 'TLSv1.2': 1, 'TLSv1.3': 9 },
  heapOctets: 31457280,
  maxMs: 3.1,
  meanMs: 0.4,
  messages: { mail: 1 },
  next: 'eyJpZCI6InNtdHAtMSJ9',
  nodeVersion: 'v20.20.0',
  number: 1795667501203,
  openConnections: { http: 1 },
  pid: 7,
  refusedSessions: { smtp: 1 },
  remotePort: 39272,
  residentOctets: 98304000,
  serial: 1795713723,
  since: '2026-11-26T05:31:30.000Z',
  transcripts: 71000,
  uidValidity: 1795671100,
  uptimeMs: 89867,
  used: 217030,
  usedOctets: 21040,
}

/** Random values of the lab, with what the examples show in their place; `digits` are hexadecimal. */
const random: readonly (readonly [pattern: RegExp, shown: (digits: string) => string])[] = [
  [/\b[0-9A-F]{40}\b/g, (digits) => digits.slice(0, 40).toUpperCase()],
  [/\b[0-9A-F]{31,32}\b/g, (digits) => digits.slice(0, 32).toUpperCase()],
  [
    /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g,
    (digits) => digits.slice(0, 36).replace(/^(.{8}).(.{4}).(.{4}).(.{4})./, '$1-$2-$3-$4-'),
  ],
  [/(?<=\bmsg_)[0-9a-f]{32}\b/g, (digits) => digits.slice(0, 32)],
  [/(?<=-)[0-9a-f]{8}(?=\.pem)/g, (digits) => digits.slice(0, 8)],
  [/(?<=\bF)[0-9a-f]{8}(?=-[0-9a-z])/g, () => '7864faba'],
  [/(?<=Root CA )[0-9A-F]{6}\b/g, () => '3350CA'],
  [/(?<=\bport )[345]\d{4}\b/g, () => '39272'],
  [/(?<=\balice-)\d{4,6}\b/g, () => '20423'],
  [/(?<=\b(?:smtp|imap4|nntp|http)-)\d+\b/g, () => '1'],
]

/** Times of messages, of mbox files and of DNS zones. */
const texts: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?=\+0000)/g, 'Thu, 26 Nov 2026 05:31:34 '],
  [/\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}/g, 'Thu Nov 26 05:31:34 2026'],
  [/\b1[78]\d{8}\b/g, '1795713723'],
  [/(?<=--_NmP-)[0-9a-f]+/g, '2b6e3d2c9a41'],
]

const pemLines: Readonly<Record<string, string>> = {
  CERTIFICATE: 'MIIB5DCCAYqgAwIBAgIQC394un65u+7cA6OWdHfVODAKBggqhkjOPQQDAjA5',
  'CERTIFICATE REQUEST': 'MIH2MIGdAgEAMBQxEjAQBgNVBAMTCWxvY2FsaG9zdDBZMBMGByqGSM49AgEG',
  'PRIVATE KEY': 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgv61VWb3jEvk3',
}

/** Replaces the parts of an example that differ from run to run by fixed ones, and shortens what is long. */
export class Recorder {
  readonly #ports: ReadonlyMap<number | undefined, number>
  readonly #replaced = new Map<string, string>()

  /** @param receiverPort where the lab sends events to */
  constructor(lab: TestLab, receiverPort: number) {
    const ports = Object.entries(usualPorts).flatMap(([which, [clear, tls]]) => {
      const server = lab.server(which)
      return [[server.port, clear] as const, [server.tlsPort, tls] as const]
    })
    const authorityPort = Number(new URL(lab.authorityServiceUrl ?? '').port)
    this.#ports = new Map([...ports, [authorityPort, 3080], [receiverPort, 9000]])
  }

  /** Returns the example of an operation, from a request and its answer. */
  example(request: ExampleRequest, { output, otherOutputs }: Operation, { headers, body }: Answer): Example {
    const type = headers.get('content-type')?.split(';')[0] ?? ''
    const answer = output === undefined ? {} : { answer: this.#recorded(body) }
    const isOneOfSeveral =
      otherOutputs !== undefined && type !== (typeof output === 'string' ? output : 'application/json')
    return {
      ...(this.#recorded(request) as typeof request),
      ...answer,
      ...(isOneOfSeveral ? { answerType: type } : {}),
    }
  }

  #recorded(value: unknown, key = ''): unknown {
    if (value === null) return null
    if (key in fixed && typeof value === typeof fixed[key] && !Array.isArray(value)) return fixed[key]
    if (typeof value === 'string') return this.#text(value, key)
    if (typeof value === 'number') return /port$/i.test(key) && value > 1023 ? (this.#ports.get(value) ?? 41013) : value
    if (Array.isArray(value)) {
      const isLong = typeof value[0] === 'object' && value.length > MAX_ITEMS && key !== 'lines'
      return (isLong ? value.slice(0, SHOWN_ITEMS) : value).map((one) => this.#recorded(one))
    }
    if (typeof value !== 'object') return value
    const entries = Object.entries(value)
    const shown = entries.length > MAX_KEYS ? entries.slice(0, SHOWN_KEYS) : entries
    return Object.fromEntries(shown.map(([name, one]) => [name, this.#recorded(one, name)]))
  }

  #text(text: string, key: string): string {
    if (/\uFFFD/.test(text)) return 'the octets of a file'
    if (text === hostname()) return 'mail-1'
    if (/^[\w-]{12}$|^[\w-]{32}$/.test(text) && (key === 'password' || key === 'token'))
      return this.#random(text, (digits) => Buffer.from(digits, 'hex').toString('base64url').slice(0, text.length))
    let shown = text
      .replace(
        /-----BEGIN ([A-Z ]+)-----\n[^-]+/g,
        (_, label: string) => `-----BEGIN ${label}-----\n${pemLines[label]}…\n`,
      )
      .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time, fraction?: string) =>
        shownTime(time, fraction !== undefined),
      )
      .replace(/\b\d{4,5}\b/g, (digits) => `${this.#ports.get(Number(digits)) ?? digits}`)
    for (const [pattern, replacement] of texts) shown = shown.replace(pattern, replacement)
    for (const [pattern, replacement] of random)
      shown = shown.replace(pattern, (found) => this.#random(found, replacement))
    return shown.length <= MAX_TEXT ? shown : `${shown.slice(0, shown.lastIndexOf('\n', SHOWN_TEXT) + 1)}…`
  }

  /** Equal values stay equal. */
  #random(found: string, shown: (digits: string) => string): string {
    const known =
      this.#replaced.get(found) ?? shown(createHash('sha256').update(`${this.#replaced.size}`).digest('hex'))
    this.#replaced.set(found, known)
    return known
  }
}

/** Keeps the distance of a time from now, in days, or in steps of five minutes. */
function shownTime(time: string, hasFraction: boolean): string {
  const away = Date.parse(time) - Date.now()
  const step = Math.abs(away) < DAY_MS / 2 ? FIVE_MINUTES_MS : DAY_MS
  const shown = new Date(RECORDED_AT + Math.round(away / step) * step).toISOString()
  return hasFraction ? shown : shown.replace(/\.\d+/, '')
}

/** Returns how the shape of a value differs from the shape of a recorded one. */
export function differences(value: unknown, recorded: unknown, path = ''): string[] {
  if (isOpen(value) || isOpen(recorded)) return []
  if (typeof value !== 'object' || typeof recorded !== 'object') {
    return typeof value === typeof recorded ? [] : [`${path} is a ${typeof value}; recorded: ${typeof recorded}`]
  }
  if (Array.isArray(value) && Array.isArray(recorded)) return differences(value[0], recorded[0], `${path}/0`)
  const [now, then] = [value, recorded] as [Record<string, unknown>, Record<string, unknown>]
  return [...new Set([...Object.keys(now), ...Object.keys(then)])].flatMap((key) => {
    if (!(key in now)) return [`${path}/${key} is missing`]
    return key in then ? differences(now[key], then[key], `${path}/${key}`) : [`${path}/${key} is new`]
  })
}

/** Returns whether a value says nothing about the shape of others in its place: null, an empty list, an empty object. */
const isOpen = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
