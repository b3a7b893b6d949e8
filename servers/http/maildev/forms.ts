import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { ReadableAddress, ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { Mail } from '../delivered-mail.ts'
import { withoutNamed } from '../tool-mail.ts'

/** An address as MailDev writes it. */
export interface MailDevAddress {
  readonly address: string
  readonly name: string
}

export const maildevAddresses = (list: readonly ReadableAddress[]): MailDevAddress[] =>
  list.map(({ address, name }) => ({ address, name }))

/** Returns the recipients in the envelope that neither To nor Cc names. */
export const blindOf = (recipients: readonly string[], { to, cc }: MessageFacts): MailDevAddress[] =>
  withoutNamed(recipients, [...to, ...cc]).map((address) => ({ address, name: '' }))

const UNITS = ['KB', 'MB', 'GB']
const KILO = 1024

/** Returns a size as MailDev writes it, such as `1.7 KB`. @param octetsWord `bytes` or `Bytes`, by its version */
export function sizeText(octets: number, octetsWord: string): string {
  const power = octets < KILO ? 0 : Math.min(Math.floor(Math.log(octets) / Math.log(KILO)), UNITS.length)
  const unit = power === 0 ? octetsWord : UNITS[power - 1]
  return `${Number.parseFloat((octets / KILO ** power).toFixed(2))} ${unit}`
}

/** Returns the time of the Date field, or that of the arrival. */
export function dateText({ copies: [{ entry }] }: Mail, { date }: MessageFacts): string {
  const ms = date?.getTime()
  return timeText(ms === undefined || Number.isNaN(ms) ? entry.savedAt : ms)
}

type Priority = 'high' | 'normal' | 'low'

const PRIORITY_FIELDS = ['x-priority', 'x-msmail-priority', 'importance', 'priority']
const HIGH = /^(?:[12]\b|high|urgent)/i
const LOW = /^(?:[45]\b|low|non-urgent)/i

/** Returns the priority of a message; undefined if no field says it. */
export function priorityOf({ headers }: ReadableMessage): Priority | undefined {
  const value = PRIORITY_FIELDS.flatMap((name) => headers.get(name)?.trim() ?? [])[0]
  if (value === undefined) return undefined
  if (HIGH.test(value)) return 'high'
  return LOW.test(value) ? 'low' : 'normal'
}

export const isPriorityField = (name: string): boolean => PRIORITY_FIELDS.includes(name)
