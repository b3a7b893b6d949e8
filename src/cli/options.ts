import { InvalidArgumentError } from 'commander'

/** A whole number from 0 up, as an option gives it. */
export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** The same from 1 up. */
export function count(text: string): number {
  const number = wholeNumber(text)
  if (number === 0) throw new InvalidArgumentError('It must be 1 or more.')
  return number
}

/** A port that can be connected to. */
export function portNumber(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number > 0 && number < 65536) return number
  throw new InvalidArgumentError('A port is a number from 1 to 65535.')
}

/** The longest that a timer of Node.js takes. */
const MOST_SECONDS = 2_147_483

/** A time in seconds, fractions allowed, as milliseconds. */
export function secondsAsMs(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds * 1000
  throw new InvalidArgumentError('It must be a number of seconds above 0.')
}
