import { expect, it } from 'vitest'
import { maskUrls } from '../../src/core/text/mask-urls.ts'

it.each([
  ['GET /api/v1/status?token=s3cret', 'GET /api/v1/status?token=***'],
  ['GET /x?a=1&access_token=s3cret&b=2', 'GET /x?a=1&access_token=***&b=2'],
  ['GET /x?%74oken=s3cret HTTP/1.1', 'GET /x?%74oken=*** HTTP/1.1'],
  ['GET /x?Api-Key=s3cret#frag', 'GET /x?Api-Key=***#frag'],
  ['GET /x?password=&token=s3cret', 'GET /x?password=&token=***'],
  ['/x?client_secret=s3cret;sig=abcd', '/x?client_secret=***;sig=***'],
  ['/x?accessToken=s3cret&refreshToken=s3cret', '/x?accessToken=***&refreshToken=***'],
  ['opened http://lab.test/#token=s3cret', 'opened http://lab.test/#token=***'],
  ['GET http://alice:s3cret@lab.test/x', 'GET http://***@lab.test/x'],
  ['fetch of https://alice:p@ss@lab.test failed', 'fetch of https://***@lab.test failed'],
  ['imap://alice@lab.test/INBOX', 'imap://***@lab.test/INBOX'],
  ['two: http://a:b@c/ and (http://d:e@f/?key=g)', 'two: http://***@c/ and (http://***@f/?key=***)'],
])('masks %s', (text, masked) => {
  expect(maskUrls(text)).toBe(masked)
})

it.each([
  'GET /api/v1/messages?query=token:5&cursor=abc',
  'GET /api/v1/messages?query=a%3Db',
  'MAIL FROM:<a@b.test> SIZE=100',
  'http://lab.test/@alice',
  'http://lab.test/x?mail=a@b.test',
  'GET /x?author=alice&monkey=1&passage=2',
  'GET /x?%E0%A4%A=1',
])('leaves %s', (text) => {
  expect(maskUrls(text)).toBe(text)
})

it.each([
  ['words that could be a scheme', `GET /?${'a-'.repeat(250_000)}`],
  ['a scheme that could begin anywhere', `${'a.'.repeat(250_000)}://${'b'.repeat(500_000)}`],
  ['parameters without a value', `?${'&a'.repeat(250_000)}`],
])('needs linear time for %s', (_name, text) => {
  expect(maskUrls(text)).toBe(text)
})
