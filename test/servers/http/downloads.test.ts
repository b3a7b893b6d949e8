import { describe, expect, it } from 'vitest'
import { HttpLab } from './client.ts'

const http = HttpLab.ofTests()

/** Imports a message whose only attachment has these fields. Returns the paths of the attachment in the three APIs. */
async function attached(...fields: readonly string[]): Promise<string[]> {
  const lines = [
    'Subject: files',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'Text',
    '--b',
    ...fields,
    '',
    '<script>alert(1)</script>',
    '--b--',
    '',
  ]
  const body = Buffer.from(lines.join('\r\n'), 'latin1')
  await http.request('messages/import?to=alice', { body, headers: { 'content-type': 'message/rfc822' } })
  const [{ id }] = (await http.request('messages?limit=1')).body.items
  return [
    `/api/v1/messages/${id}/parts/2`,
    `/mailpit/api/v1/message/${id}/part/2`,
    `/mailhog/api/v1/messages/${id}/mime/part/1/download`,
  ]
}

/** Returns both names of a field. RFC 6266 section 4.1, RFC 8187 section 3.2. */
function namesIn(field: string | null): { plain: string; extended: string } {
  const match = /^attachment; filename="([ !#-[\]-~]*)"; filename\*=UTF-8''([\w!#$&+.^`|~-]|%[0-9A-F]{2})+$/.exec(
    field ?? '',
  )
  expect(match, `${field}`).not.toBeNull()
  return { plain: match?.[1] ?? '', extended: decodeURIComponent(field?.split("''").at(-1) ?? '') }
}

const attachment = (parameter: string): string[] => [
  'Content-Type: text/html',
  `Content-Disposition: attachment; ${parameter}`,
]

describe('the name of a download', () => {
  it.each([
    ['quotes', 'filename="a\\"b\\\\c.txt"', 'a"b_c.txt'],
    ['a path', 'filename="../../etc/passwd"', '.._.._etc_passwd'],
    ['a path of Windows', "filename*=utf-8''C%3A%5CWindows%5Cx.exe", 'C:_Windows_x.exe'],
    ['line ends', "filename*=utf-8''a%0D%0AX-Injected%3A%201.txt", 'a__X-Injected: 1.txt'],
    ['line ends in an encoded word', 'filename="=?utf-8?Q?a=0D=0AX-Injected:_1?="', 'a__X-Injected: 1'],
    ['a NUL', "filename*=utf-8''a%00.txt", 'a_.txt'],
    ['another direction of writing', "filename*=utf-8''a%E2%80%AEtxt.exe", 'a_txt.exe'],
    ['Japanese', "filename*=utf-8''%E6%97%A5%E6%9C%AC.pdf", '日本.pdf'],
    ['an emoji', 'filename="=?utf-8?B?8J+YgC5wZGY=?="', '😀.pdf'],
    ['half of a character', 'filename="=?utf-16be?B?2AAAYQ==?="', '\ufffda'],
    ['percent signs and apostrophes', 'filename="a%20b%22\'c.txt"', "a%20b%22'c.txt"],
    ['only dots', 'filename=".."', '_'],
    ['more fields', 'filename="a.txt"; x="\r\n y"', 'a.txt'],
  ])('can have %s', async (_, parameter, expected) => {
    for (const path of await attached(...attachment(parameter))) {
      const { status, headers } = await http.request(path)
      expect(status, path).toBe(200)
      expect(headers.has('x-injected'), path).toBe(false)
      const { plain, extended } = namesIn(headers.get('content-disposition'))
      expect(extended, path).toBe(expected)
      expect(plain, path).toBe(expected.replaceAll(/[^\x20-\x7e]|"/g, '_'))
    }
  })

  it('keeps its end if it is too long for header fields', async () => {
    for (const path of await attached(...attachment(`filename="${'é'.repeat(20_000)}.pdf"`))) {
      const { status, headers } = await http.request(path)
      expect(status, path).toBe(200)
      const { extended } = namesIn(headers.get('content-disposition'))
      expect(extended.length).toBeLessThanOrEqual(200)
      expect(extended).toMatch(/\.pdf$/)
    }
  })
})

describe('the type of a download', () => {
  it.each([
    'text/html',
    'TEXT/HTML; charset=utf-7',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/xml',
    'application/pdf',
    'text/javascript',
    'multipart/x-mixed-replace; boundary=x',
    'text/h\xe9',
    'te xt/plain',
    'text/plain\x01',
    'a/b/c',
    '/',
    'text',
    'x/y\r\n text/html',
    `x/${'y'.repeat(20_000)}`,
  ])('runs nothing: %s', async (type) => {
    for (const path of await attached(`Content-Type: ${type}`, 'Content-Disposition: attachment; filename=a.html')) {
      const { status, headers } = await http.request(path)
      expect(status, path).toBe(200)
      expect(headers.get('content-disposition'), path).toMatch(/^attachment;/)
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(headers.get('content-type'), path).not.toMatch(/html|xml|javascript|multipart/i)
      expect(headers.get('content-type')?.length, path).toBeLessThan(256)
    }
  })
})
