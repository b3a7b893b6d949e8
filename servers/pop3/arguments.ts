import { Pop3Error } from './errors.ts'

/** How the text behind a command's name is read, whole, before anything happens. */
export type Parse<T> = (argument: string) => T

export const noArgument: Parse<void> = (argument) => {
  if (argument !== '') throw new Pop3Error('this command takes no argument')
}

/** The whole rest of the line, spaces included: names and passwords may have some. RFC 1939 section 7, PASS. */
export const restOfLine: Parse<string> = (argument) => {
  if (argument === '') throw new Pop3Error('an argument is missing')
  return argument
}

/** Words between spaces, `min` to `max` of them. */
export const words =
  (min: number, max: number): Parse<readonly string[]> =>
  (argument) => {
    const found = argument === '' ? [] : argument.split(' ')
    if (found.length < min || found.length > max || found.includes('')) throw new Pop3Error('wrong number of arguments')
    return found
  }

const NUMBER = /^\d{1,10}$/

function number(word: string | undefined): number {
  if (word === undefined || !NUMBER.test(word)) throw new Pop3Error('a number is asked for')
  return Number(word)
}

export const messageNumber: Parse<number> = (argument) => number(words(1, 1)(argument)[0])

export const optionalMessageNumber: Parse<number | undefined> = (argument) =>
  argument === '' ? undefined : messageNumber(argument)

export const messageAndLines: Parse<{ readonly message: number; readonly lines: number }> = (argument) => {
  const [message, lines] = words(2, 2)(argument)
  return { message: number(message), lines: number(lines) }
}
