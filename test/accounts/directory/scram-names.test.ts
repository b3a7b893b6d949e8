import { expect, test, vi } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'

const derived = vi.hoisted(() => ({ count: 0 }))

/** Counts key derivations, which are nearly all of the work of a SCRAM log-on. */
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>()
  const counted = <F extends (...args: never[]) => unknown>(derive: F): F =>
    ((...args: Parameters<F>) => {
      derived.count++
      return derive(...args)
    }) as F
  return { ...crypto, pbkdf2: counted(crypto.pbkdf2), pbkdf2Sync: counted(crypto.pbkdf2Sync) }
})

const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** Tries a log-on with a wrong proof. Returns the salt, the server's reply and the number of key derivations. */
async function attempt(port: number, name: string) {
  const before = derived.count
  const client = await LineClient.greeted(port)
  client.send('EHLO client.test\r\n')
  await client.lines((line) => line.startsWith('250 '))
  client.send(`AUTH SCRAM-SHA-256 ${b64(`n,,n=${name},r=abc`)}\r\n`)
  const first = Buffer.from(((await client.line()) ?? '').slice(4), 'base64').toString()
  const [, nonce, salt] = /^r=([^,]+),s=([^,]+),i=4096$/.exec(first) ?? []
  client.send(`${b64(`c=biws,r=${nonce},p=${Buffer.alloc(32).toString('base64')}`)}\r\n`)
  const reply = await client.line()
  client.destroy()
  return { salt, reply, derivations: derived.count - before }
}

test('SCRAM does the same work and gives the same kind of salt for known and unknown names', async () => {
  await using lab = await startMailLab(smtp)
  for (const user of ['alice', 'nobody']) {
    const forms = [user, user, user.toUpperCase(), `LAB\\${user}`, `${user}@lab.test`, `${user}@LAB.TEST`]
    const attempts = []
    for (const form of forms) attempts.push(await attempt(lab.port, form))
    expect(attempts.map(({ derivations }) => derivations)).toEqual(forms.map(() => 1))
    expect(new Set(attempts.map(({ salt }) => salt)).size).toBe(1)
    expect(attempts[0]?.salt).toHaveLength(24)
    expect(new Set(attempts.map(({ reply }) => reply))).toEqual(
      new Set(['535 5.7.8 Authentication failed: unknown user name or bad password']),
    )
  }
  const [alice, nobody] = [await attempt(lab.port, 'alice'), await attempt(lab.port, 'nobody')]
  expect(alice.salt).not.toBe(nobody.salt)
})

test('SCRAM does the same work for names with app passwords, without and unknown', async () => {
  const appPasswords = ['phone', 'laptop'].map((name) => ({ name, password: name }))
  const accounts = [
    { user: 'alice', password: 'secret', appPasswords },
    { user: 'bob', password: 'geheim' },
  ]
  await using lab = await startMailLab(smtp, { config: { directory: { accounts } } })
  for (const user of ['alice', 'bob', 'nobody']) expect((await attempt(lab.port, user)).derivations).toBe(3)
})
