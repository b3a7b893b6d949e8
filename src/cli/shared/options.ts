import { isIP } from 'node:net'
import { type Command, InvalidArgumentError } from 'commander'
import { duration, host } from '../../core/config/schema/values.ts'

/** Adds the options that override keys of the file. */
export function withOverrideOptions(command: Command): Command {
  return command
    .option('--port-offset <number>', 'number added to every port', wholeNumber)
    .option('--log-level <level>', 'lowest level that is logged: trace, debug, info, warn, error, fatal, silent')
}

/** Parses a whole number from 0. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** Parses a whole number from 1. */
export function positiveNumber(text: string): number {
  const number = wholeNumber(text)
  if (number === 0) throw new InvalidArgumentError('It must be 1 or more.')
  return number
}

/** Parses a port from 1 to 65535. */
export function portNumber(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number > 0 && number < 65536) return number
  throw new InvalidArgumentError('It must be a number from 1 to 65535.')
}

/** Parses a host name or an IP address. */
export function hostOrAddress(text: string): string {
  const parsed = host.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('Write a name like mail.lab.test, or an IP address.')
}

/** Parses the address of a DNS server: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`. */
export function dnsServer(text: string): { readonly address: string; readonly port: number } {
  if (isIP(text)) return { address: text, port: 53 }
  const [, address = '', port = ''] = /^\[?([^\]]+)\]?:(\d+)$/.exec(text) ?? []
  if (isIP(address)) return { address, port: portNumber(port) }
  throw new InvalidArgumentError('Write an IP address, with a port if it is not 53: 127.0.0.1:5353.')
}

/** Parses a time with its unit, such as 30d or 12h. Returns milliseconds. */
export function durationAsMs(text: string): number {
  const parsed = duration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('Write a time such as 500ms, 30s, 10m, 1h or 2d.')
}

/** Longest time of a Node.js timer. */
const MAX_SECONDS = 2_147_483

/** Parses the longest time of a wait: `500ms`, `30s`, `5m`, or seconds without a unit. Returns milliseconds. */
export function timeLimit(text: string): number {
  const ms = /^[\d.]+$/.test(text) ? Number(text) * 1000 : durationAsMs(text)
  if (ms > 0 && ms <= MAX_SECONDS * 1000) return ms
  throw new InvalidArgumentError('It must be a time above 0, such as 30s; a number alone means seconds.')
}
