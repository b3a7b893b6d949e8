import { describe, expect, it } from 'vitest'
import { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { sentByLines, sentByOf } from '../../../src/mail/format/sent-by.ts'

const by = {
  provider: 'resend',
  name: 'Resend',
  key: '1234',
  id: 'id-1',
  tags: ['grüße, "a"', 'b'],
  arguments: { order: 17, place: 'Köln' },
}
const details = { virtualServer: 'web', base: 'http://localhost/resend', details: { region: 'eu' } }
const message = (lines: string | Buffer) =>
  Buffer.concat([Buffer.from(lines), Buffer.from('Subject: Hi\r\n\r\nHello\r\n')])

describe('the fields that say by which API a message was sent', () => {
  it('are read as they were written, in ASCII', () => {
    const lines = sentByLines(by, details)
    expect(lines.toString('latin1')).toMatch(/^[ -~\r\n]+$/)
    expect(sentByOf(message(lines))).toEqual({ by, details })
    expect(new ReadableMessage(message(lines)).sentBy).toEqual(by)
  })

  it('are absent from other mail, whatever it pretends', () => {
    expect(new ReadableMessage(message('')).toJSON()).not.toHaveProperty('sentBy')
    const given = 'X-Sealpost-Sent-By: Resend, API, key ending in 1234\r\nX-Sealpost-Id: 1\r\n'
    for (const facts of ['', '{', 'null', '[]', '{"provider":1}'])
      expect(sentByOf(message(`${given}X-Sealpost-Details: ${facts}\r\n`))).toBeUndefined()
    const odd = `${given}X-Sealpost-Tags: {"a"\r\nX-Sealpost-Arguments: 7\r\nX-Sealpost-Details: {"provider":"x","details":[1]}\r\n`
    expect(sentByOf(message(odd))).toEqual({
      by: { ...by, provider: 'x', id: '1', tags: [], arguments: {} },
      details: { virtualServer: '', base: '', details: { 0: '1' } },
    })
  })
})
