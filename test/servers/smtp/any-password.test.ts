import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted } from './support.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

const start = (settings = {}) => startMailLab(smtp, { server: { acceptAnyPassword: true, ...settings } })

describe('acceptAnyPassword', () => {
  test('PLAIN with and without an initial response, and LOGIN, succeed', async () => {
    await using lab = await start()
    const anyone = base64('\0anyone\0anything')
    for (const commands of [
      [`AUTH PLAIN ${anyone}`],
      ['AUTH PLAIN', anyone],
      ['AUTH LOGIN', base64('anyone'), base64('anything')],
      [`AUTH LOGIN ${base64('alice')}`, base64('wrong')],
    ]) {
      using client = await greeted(lab)
      const replies: string[] = []
      for (const command of commands) replies.push((await ask(client, command)).slice(0, 3))
      expect(replies).toEqual([...Array(commands.length - 1).fill('334'), '235'])
      expect(await ask(client, 'MAIL FROM:<a@b.test>')).toMatch(/^250 /)
    }
  })

  test('the client has the rights of the account whose password is right, else those of a client without a log-on', async () => {
    await using lab = await start({ relay: 'deny' })
    for (const [password, code] of [
      ['secret', '250'],
      ['wrong', '550'],
    ]) {
      using client = await greeted(lab)
      expect(await ask(client, `AUTH PLAIN ${base64(`\0alice\0${password}`)}`)).toMatch(/^235 /)
      await ask(client, 'MAIL FROM:<a@b.test>')
      expect((await ask(client, 'RCPT TO:<you@example.com>')).slice(0, 3)).toBe(code)
    }
  })

  test('the client may send mail where a log-on is required', async () => {
    await using lab = await start({ authentication: ['basic'] })
    using client = await greeted(lab)
    expect(await ask(client, 'MAIL FROM:<a@b.test>')).toMatch(/^530 /)
    expect(await ask(client, `AUTH PLAIN ${base64('\0anyone\0anything')}`)).toMatch(/^235 /)
    expect(await ask(client, 'MAIL FROM:<a@b.test>')).toMatch(/^250 /)
  })

  test('other mechanisms need the password', async () => {
    await using lab = await start()
    using client = await greeted(lab)
    expect(await ask(client, 'AUTH CRAM-MD5')).toMatch(/^334 /)
    expect(await ask(client, base64(`alice ${'0'.repeat(32)}`))).toMatch(/^535 /)
  })
})
