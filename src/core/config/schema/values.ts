import { isIP } from 'node:net'
import { z } from 'zod'
import { mapping } from './mapping.ts'

/** A mail address without RFC 5322 comments and quoting. Any domain is accepted, also `alice@localhost`. */
export const mailAddress = z
  .string()
  .regex(/^[^\s@<>,;]+@[^\s@<>,;.]+(?:\.[^\s@<>,;.]+)*$/, 'write an address like alice@lab.test')

/** A host or domain name. No label is empty; a period at the end means the root. RFC 1034 section 3.1. */
const HOST_NAME = /^[^\s@/:,;.]+(?:\.[^\s@/:,;.]+)*\.?$/

export const hostName = z.string().regex(HOST_NAME, 'write a name like mail.lab.test')

/** A host name or an IP address. */
export const host = z
  .string()
  .refine((text) => isIP(text) !== 0 || HOST_NAME.test(text), 'write a name like mail.lab.test, or an IP address')

/** An address to listen on. */
export const listenAddress = z
  .string()
  .refine((text) => text === 'localhost' || isIP(text) !== 0, 'write an IP address like 127.0.0.1 or ::1')
  .default('127.0.0.1')

/** An IP address, or a network as address and prefix length (CIDR). */
export const addressOrNetwork = z.string().refine((text) => {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = isIP(address) === 4 ? 32 : isIP(address) === 6 && !address.includes('%') ? 128 : undefined
  if (bits === undefined || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
}, 'write an IP address or network like 192.0.2.7 or 172.16.0.0/12')

/** A port to listen on; 0 takes a free one. */
export const listenPort = z.number().int().min(0).max(65535)
/** A port to listen on, or `off`. */
export const portOrOff = z.union([z.literal('off'), listenPort])

/** A positive count, or `off` for no limit. */
export const countOrOff = z.union([z.literal('off'), z.number().int().positive()])

/** Messages for a mailbox or a newsgroup. */
/** A file whose first line is a secret. `src/core/config/secret-files.ts` reads it. */
export const secretFile = (secret: string, example: string) =>
  z
    .string()
    .min(1)
    .optional()
    .describe(`File whose first line is the ${secret}, relative to this file.`)
    .meta({ examples: [example] })

export const preload = z
  .string()
  .min(1)
  .optional()
  .describe(
    'Messages to load at start if the mailbox or newsgroup is empty: a .eml file, an mbox file, a Maildir or a folder of .eml files, relative to this file.',
  )
  .meta({ examples: ['mail/inbox.mbox'] })

const timeUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = { B: 1, KB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

const timeForm = 'write a time such as 500ms, 30s, 10m, 1h or 2d'
const sizeForm = 'write a size as 4096KB, 25MiB or 1GB'

/** A duration in words: a number and a unit. */
export const DURATION = /^\d+(\.\d+)?(ms|s|m|h|d)$/

/** A duration: `10m`, `500ms`, `1h`, or a number of milliseconds. Returns milliseconds. */
export const duration = z
  .union([z.number().int().nonnegative(), z.string().regex(DURATION, timeForm)], timeForm)
  .transform((value) => parseUnits(value, timeUnits))

/** Returns a duration in its largest whole unit: `7d`, `90s`. */
export function durationText(ms: number): string {
  const units = Object.entries(timeUnits).reverse()
  const [unit, size] = units.find(([, one]) => ms % one === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** A duration that a timer of Node.js can measure: less than 2^31 milliseconds, almost 25 days. */
export const timeLimit = duration.refine((ms) => ms < 2 ** 31, 'write at most 24d')
/** A duration that a timer can measure, or `off` for no limit. */
export const timeLimitOrOff = z.union([z.literal('off'), timeLimit])

/** A size: `25MiB`, `4096KB`, or a number of octets. Returns octets. */
export const octets = z
  .union(
    [z.number().int().nonnegative(), z.string().regex(/^\d+(\.\d+)?(B|KB|MB|GB|KiB|MiB|GiB)$/, sizeForm)],
    sizeForm,
  )
  .transform((value) => parseUnits(value, sizeUnits))

function parseUnits<Unit extends string>(value: number | string, units: Readonly<Record<Unit, number>>): number {
  if (typeof value === 'number') return value
  const unit = value.replace(/[\d.]+/, '') as Unit
  return Math.round(Number.parseFloat(value) * units[unit])
}

const packetFile = z
  .string()
  .min(1)
  .meta({ examples: ['lab.pcapng'] })

/** Captured network traffic: the file alone, `memory`, or with options. */
export const packets = z.union([
  packetFile,
  mapping(() => ({
    file: packetFile
      .optional()
      .describe(
        'The pcapng file, relative to this file. Overwritten at start. Default: the traffic is kept in memory only.',
      ),
    memory: octets
      .prefault('32MiB')
      .describe(
        'Memory for the traffic of the latest sessions, which `GET /api/v1/sessions/ID/capture` downloads. One session takes at most a quarter of it. 0: none.',
      ),
    secrets: z
      .boolean()
      .default(true)
      .describe('Whether TLS secrets are written to the capture, so that Wireshark can decrypt it.'),
    maxSize: octets
      .prefault('100MiB')
      .describe('Size at which the file is renamed to FILE.1 and a new one is started.'),
    maxFiles: z.number().int().positive().default(2).describe('Number of files to keep, including the current one.'),
  })),
])

/** Log levels, the most detailed first. */
/** The levels of lines of the log, from the lowest to the highest. */
export const lineLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export const logLevels = [...lineLevels, 'silent'] as const

export type LineLevel = (typeof lineLevels)[number]
