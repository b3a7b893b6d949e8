import { describe, expect, test } from 'vitest'
import { charsetDecoder, decodeCharset, decodeUnlabelled } from '../../../src/mail/format/charsets.ts'
import { parameters } from '../../../src/mail/format/content-fields.ts'
import { Scanner } from '../../../src/mail/format/scanner.ts'
import { decodeWords, parameterText } from '../../../src/mail/format/words.ts'

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

describe('encoded-words (RFC 2047)', () => {
  test.each([
    ['=?ISO-8859-1?Q?a?=', 'a'],
    ['=?ISO-8859-1?Q?a?= b', 'a b'],
    ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
    ['=?ISO-8859-1?Q?a?=  \t=?ISO-8859-1?Q?b?=', 'ab'],
    ['=?ISO-8859-1?Q?a_b?=', 'a b'],
    ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b'],
    ['x =?utf-8?B?w6Q=?= y', 'x ä y'],
    [' =?utf-8?b?w6Q=?= x =?utf-8?b?w7Y=?=', ' ä x ö'],
    ['=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=', 'äö'],
    ['=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=', 'ä'],
    ['=?utf-8*de?q?=c3=a4?=', 'ä'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=', '日本日本'],
    ['=?shift_jis?B?k/qWew==?=', '日本'],
    ['=?koi8-r?B?8NLJ18XU?=', 'Привет'],
    ['=?gb2312?B?xOO6ww==?=', '你好'],
    ['=?big5?B?p0Gmbg==?=', '你好'],
    ['=?ks_c_5601-1987?B?vsiz5w==?=', '안녕'],
    ['=?windows-1251?Q?=CF=F0?=', 'Пр'],
    ['=?iso-8859-15?Q?=A4?=', '€'],
    ['=?us-ascii?Q?=93quoted=94?=', '“quoted”'],
    ['=?utf-8?q?with space?=', 'with space'],
    ['=?no-such?q?=e4?=', 'ä'],
    ['=?utf-8?x?a?=', '=?utf-8?x?a?='],
    ['=?utf-8?q?never closed', '=?utf-8?q?never closed'],
    [latin1('grün =?utf-8?q?=c3=bc?='), 'grün ü'],
    ['gr\xfcn', 'grün'],
    ['', ''],
  ])('%j is %j', (value, text) => {
    expect(decodeWords(value)).toBe(text)
  })
})

describe('parameters (RFC 2045, RFC 2231)', () => {
  const read = (list: string): Record<string, string> =>
    Object.fromEntries(parameters(new Scanner(list)).map(({ name, value }) => [name, value]))

  test.each<[string, Record<string, string>]>([
    [';a=b', { a: 'b' }],
    ['; a="b c" ; d=e', { a: 'b c', d: 'e' }],
    ['; a="b\\"c"', { a: 'b"c' }],
    ['; a=b; a=c', { a: 'b' }],
    ['; a*0=x; a*1=y', { a: 'xy' }],
    ['; a*1=y; a*0=x', { a: 'xy' }],
    ["; a*0*=utf-8''%c3%a4; a*1=b", { a: latin1('äb') }],
    ["; a*=iso-8859-1'de'%e4", { a: latin1('ä') }],
    ['; a*0=x; a*2=z', { 'a*0': 'x', 'a*2': 'z' }],
    ['; a=; b=c', { a: '', b: 'c' }],
    ['; (comment) a = b (c)', { a: 'b' }],
    ['; a="never closed', {}],
    ['; a==?utf-8?q?x?=', { a: '=?utf-8?q?x?=' }],
  ])('%j', (list, expected) => {
    expect(read(list)).toEqual(expected)
  })

  test('are decoded to text', () => {
    const params = parameters(new Scanner('; filename*=utf-8\'\'gr%C3%BCn.txt; name="=?utf-8?q?gr=C3=BCn?="'))
    expect([parameterText(params, 'filename'), parameterText(params, 'name')]).toEqual(['grün.txt', 'grün'])
  })
})

describe('charsets', () => {
  test('are known by the names that real mail uses', () => {
    for (const name of [
      'US-ASCII',
      'iso-8859-1',
      'ISO-8859-9',
      'windows-1254',
      'cp1252',
      'win-1251',
      'chinesebig5',
      'gb2312_charset',
      'euc-kr',
      'ISO-2022-JP',
      'utf8',
    ]) {
      expect(charsetDecoder(name), name).toBeTypeOf('function')
    }
    expect(charsetDecoder('default_charset')).toBeUndefined()
  })

  test('that are missing or unknown: octets are read as UTF-8 if they are valid, line by line', () => {
    expect(decodeUnlabelled(Buffer.from([0xc3, 0xa4]))).toBe('ä')
    expect(decodeUnlabelled(Buffer.from([0xe4, 0x80]))).toBe('ä€')
    expect(decodeUnlabelled(Buffer.from('ä\r\n\xe4\r\n', 'latin1').fill(Buffer.from('ä'), 0, 1))).toContain('ä')
    expect(decodeCharset(Buffer.from([0xe4]), 'unknown-8bit')).toBe('ä')
  })
})
