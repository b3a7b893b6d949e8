import { describe, expect, test } from 'vitest'
import { parsePath } from '../../../servers/smtp/path.ts'

describe('paths and parameters, RFC 5321 section 4.1.2', () => {
  test.each([
    ['<>', ''],
    ['<a@b>', 'a@b'],
    ['  <a@b.test>', 'a@b.test'],
    ["<a+b.c!#$%&'*/=?^_`{|}~-@b.test>", "a+b.c!#$%&'*/=?^_`{|}~-@b.test"],
    ['<"a b"@b.test>', '"a b"@b.test'],
    ['<"a\\"@x>b"@b.test>', '"a\\"@x>b"@b.test'],
    ['<@one,@two:a@b.test>', 'a@b.test'],
    ['<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
    ['<a@[IPv6:2001:db8::1]>', 'a@[IPv6:2001:db8::1]'],
    ['<PostMaster>', 'PostMaster'],
    ['<jörg@bücher.test>', 'jörg@bücher.test'],
    ['<a@under_score.test>', 'a@under_score.test'],
    ['<アリス@例え.テスト>', 'アリス@例え.テスト'],
  ])('%s has the address %j', (text, address) => {
    expect(parsePath(text)?.address).toBe(address)
  })

  test.each([
    '',
    'a@b.test',
    '<a@b.test',
    '<a>',
    '<@b.test>',
    '<a@>',
    '<a@@b.test>',
    '<a b@b.test>',
    '<.a@b.test>',
    '<a.@b.test>',
    '<a..b@b.test>',
    '<"a@b.test>',
    '<"a"b@b.test>',
    '<a@.b.test>',
    '<a@b..test>',
    '<a@-b.test>',
    '<a@b.test->',
    '<a@[192.0.2.256]>',
    '<a@[2001:db8::1]>',
    '<a@[IPv6:192.0.2.1]>',
    '<a\u0007@b.test>',
    '<a\u200b@b.test>',
    `<${'a'.repeat(250)}@b.test>`,
    '<a@b.test>SIZE=1',
    '<a@b.test> =1',
    '<a@b.test> -X=1',
    '<a@b.test> ENVID=a+0Ab',
  ])('%j is rejected', (text) => {
    expect(parsePath(text)).toBeUndefined()
  })

  test('parameters: keywords in any case, xtext values decoded, duplicates reported', () => {
    expect(parsePath('<a@b> size=10 Body=8BITMIME SMTPUTF8')?.args).toEqual({
      SIZE: '10',
      BODY: '8BITMIME',
      SMTPUTF8: true,
    })
    expect(parsePath('<a@b> ENVID=a+2Bb ORCPT=rfc822;c+3Dd NOTIFY=a+2Bb')?.args).toEqual({
      ENVID: 'a+b',
      ORCPT: 'rfc822;c=d',
      NOTIFY: 'a+2Bb',
    })
    expect(parsePath('<a@b> SIZE=1 size=2')?.duplicate).toBe('SIZE')
    expect(parsePath('<a@b> __proto__=1')).toBeUndefined()
    expect(parsePath('<a@b> CONSTRUCTOR')?.duplicate).toBeUndefined()
  })
})
