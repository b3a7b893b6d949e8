import { InvalidArgumentError } from 'commander'

/** A port as an option gives it. */
export function portNumber(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0 && number < 65536) return number
  throw new InvalidArgumentError('A port is a number from 1 to 65535.')
}
