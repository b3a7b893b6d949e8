import { describe, expect, test } from 'vitest'
import { ReadableMessage } from '../../../src/mail/format/readable.ts'

const textOf = (parameters: string, ...lines: readonly string[]): string =>
  new ReadableMessage(Buffer.from(`Content-Type: text/plain; charset=utf-8${parameters}\r\n\r\n${lines.join('\r\n')}`))
    .text

describe('the text of format=flowed, RFC 3676', () => {
  test.for([
    ['joins flowed lines', '; format=flowed', ['Dear ', 'Alice,', '', 'bye'], 'Dear Alice,\n\nbye'],
    [
      'without the space with DelSp=yes',
      '; format=Flowed; delsp=Yes',
      ['https://a.test/ ', 'reset'],
      'https://a.test/reset',
    ],
    [
      'keeps paragraphs of another depth apart',
      '; format=flowed',
      ['> one ', '> two', '>> a ', 'b'],
      '> one two\n>> a \nb',
    ],
    ['removes stuffed spaces', '; format=flowed', [' From me', ' > no quotation'], 'From me\n> no quotation'],
    ['keeps the signature apart', '; format=flowed', ['text ', '-- ', 'Bob'], 'text \n-- \nBob'],
    ['leaves other text alone', '', ['Dear ', 'Alice,'], 'Dear \nAlice,'],
  ] as const)('%s', ([, parameters, lines, expected]) => {
    expect(textOf(parameters, ...lines)).toBe(expected)
  })
})
