import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { basic, HttpLab } from './client.ts'
import { RawClient } from './raw-client.ts'

const text = `certificates: { store: memory, key: p256 }
directory:
  quota: { messages: 1 }
  accounts:
    - { user: alice, password: alices-secret }
    - { user: '12', password: numbers-secret } # a number
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: off }
  - { protocol: pop3, port: 0, tlsPort: off, limits: { failedLogonDelay: 1ms } }
  - { protocol: http, port: 0, tlsPort: off, limits: { failedLogonDelay: 1ms } }
  - { protocol: http, port: 0, tlsPort: off, name: locked, configurationLocked: true }
  - { protocol: imap4, port: 0, tlsPort: off }
`

let folder: string
let file: string
let http: HttpLab
beforeEach(async () => {
  folder = newFolder()
  file = join(folder, 'lab.yaml')
  writeFileSync(file, text)
  http = await HttpLab.ofFile(file)
})
afterEach(() => http[Symbol.asyncDispose]())

const create = (json: object, headers = {}) => http.request('accounts', { json, headers })
const remove = (path: string) => http.request(`accounts/${path}`, { method: 'DELETE' })
const users = async (): Promise<string[]> =>
  (await http.request('accounts')).body.items.map(({ user }: { user: string }) => user)

/** Logs on by POP3, and returns the last answer and the client. */
async function logOn(user: string, password: string): Promise<{ client: LineClient; answer: string | undefined }> {
  const client = await LineClient.greeted(http.lab.server('pop3').port)
  client.send(`USER ${user}\r\nPASS ${password}\r\n`)
  await client.line()
  return { client, answer: await client.line() }
}

async function canLogOn(user: string, password: string): Promise<boolean> {
  const { client, answer } = await logOn(user, password)
  client.destroy()
  return answer?.startsWith('+OK') ?? false
}

describe('an account that is created over HTTP', () => {
  it('logs on and gets mail immediately, until the lab stops, and nothing is written', async () => {
    const { status, headers, body } = await create({ user: 'carol', password: 'carols-secret' })
    expect([status, headers.get('location')]).toEqual([201, '/api/v1/accounts/carol'])
    const access = { state: null, twoFactor: false, appPasswords: [], delegates: [], outOfOffice: null }
    const counts = { messages: 0, unread: 0 }
    expect(body).toEqual({ user: 'carol', addresses: ['carol@lab.test'], configured: false, ...access, ...counts })
    expect(await canLogOn('carol', 'carols-secret')).toBe(true)
    expect(await canLogOn('carol', 'another')).toBe(false)
    await http.lab.deliver({ subject: 'Hello' }, 'carol@lab.test')
    await expect(http.lab.deliver({ subject: 'Too much' }, 'carol@lab.test')).rejects.toThrow(/quota|full/i)
    expect((await http.request('messages?account=carol')).body.total).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('has the addresses and the quota that it is given', async () => {
    const addresses = ['carol@lab.test', 'Sales@lab.test']
    await create({ user: 'carol', password: 'x', addresses, quota: { messages: 2 } })
    for (const to of ['sales@lab.test', 'carol+tag@lab.test']) await http.lab.deliver({ subject: to }, to)
    expect((await http.request('messages?account=carol')).body.total).toBe(2)
  })

  it('stays after a reload, also with another domain, and is known on connections from before', async () => {
    using before = await LineClient.greeted(http.lab.server('pop3').port)
    await create({ user: 'carol', password: 'carols-secret' })
    writeFileSync(file, text.replace('certificates:', 'domain: other.test\ncertificates:'))
    expect((await http.request('configuration/reload', { json: {} })).status).toBe(200)
    await create({ user: 'dave', password: 'daves-secret' })
    expect(await users()).toEqual(['alice', '12', 'carol', 'dave'])
    expect((await http.request('accounts')).body.items[2].addresses).toEqual(['carol@other.test'])
    before.send('USER dave\r\nPASS daves-secret\r\n')
    await before.line()
    expect(await before.line()).toMatch(/^\+OK/)
  })

  it('cannot have a name or an address of another', async () => {
    for (const json of [
      { user: 'ALICE', password: 'x' },
      { user: 'carol', password: 'x', addresses: ['Alice@LAB.test'] },
      { user: 'alice@lab.test', password: 'x' },
    ]) {
      expect((await create(json)).status, JSON.stringify(json)).toBe(409)
    }
    expect((await create({ user: 'a\\b', password: 'x' })).status).toBe(422)
    expect((await create({ user: '\ud800', password: 'x', configured: true })).body.errors).toEqual([
      { pointer: '/user', message: 'has half of a surrogate pair' },
    ])
    expect((await create({ user: 'carol' })).body.errors).toEqual([{ pointer: '/password', message: 'is missing' }])
    expect(await users()).toEqual(['alice', '12'])
  })

  it('is refused with the first 100 mistakes of many', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n]))
    const { status, body } = await create({ user: 'carol', password: 'x', ...unknown })
    expect([status, body.errors.length]).toEqual([422, 100])
    expect(body.detail).toMatch(/and 1900 more$/)
    const texts = await create({ user: 'carol', password: 'x', addresses: Array(500).fill('\ud800') })
    expect([texts.status, texts.body.errors.length]).toEqual([422, 100])
  })

  it('is deleted with its mail and its sessions', async () => {
    await create({ user: 'carol', password: 'carols-secret' })
    await http.lab.deliver({ subject: 'Hello' }, 'carol@lab.test')
    const { client, answer } = await logOn('carol', 'carols-secret')
    expect(answer).toMatch(/^\+OK/)
    expect((await remove('carol')).status).toBe(204)
    expect(await client.line()).toMatch(/^-ERR/)
    expect(await client.line()).toBe(undefined)
    expect(await canLogOn('carol', 'carols-secret')).toBe(false)
    expect((await remove('carol')).status).toBe(404)
    await create({ user: 'carol', password: 'new-secret' })
    expect((await http.request('messages?account=carol')).body.total).toBe(0)
  })

  it('leaves no rights in access control lists to a later account of its name', async () => {
    const imap = async (user: string, password: string, ...commands: string[]): Promise<string[]> => {
      const client = await LineClient.open(http.lab.server('imap4').port)
      const answers: string[] = []
      for (const [i, command] of [`LOGIN ${user} ${password}`, ...commands].entries()) {
        client.send(`${i} ${command}\r\n`)
        for (let line = await client.line(); line !== undefined; line = await client.line()) {
          answers.push(line)
          if (line.startsWith(`${i} `)) break
        }
      }
      client.destroy()
      return answers
    }
    await create({ user: 'carol', password: 'carols-secret' })
    await create({ user: 'dave', password: 'daves-secret' })
    const shared = await imap('dave', 'daves-secret', 'SETACL INBOX carol lr', 'SETACL INBOX -carol w')
    expect(shared.filter((line) => /^[12] OK/.test(line))).toHaveLength(2)
    expect((await imap('carol', 'carols-secret', 'STATUS "Other Users/dave/INBOX" (MESSAGES)')).at(-1)).toMatch(/^1 OK/)
    await remove('carol')
    await create({ user: 'carol', password: 'new-secret' })
    expect((await imap('carol', 'new-secret', 'STATUS "Other Users/dave/INBOX" (MESSAGES)')).at(-1)).toMatch(/^1 NO/)
    expect(await imap('dave', 'daves-secret', 'GETACL INBOX')).toContain('* ACL INBOX dave lrswipkxteacd')
  })

  it('can be deleted on a connection that it has used, which ends after the answer', async () => {
    await create({ user: 'emil', password: 'emils-secret' })
    using client = new RawClient(http.lab.server('http').port as number)
    const send = (method: string, path: string, fields = ''): void =>
      client.send(`${method} /api/v1/${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`)
    send('GET', 'session', `Authorization: ${basic('emil', 'emils-secret').authorization}\r\n`)
    expect(JSON.parse((await client.answer())?.body ?? '')).toMatchObject({ name: 'emil' })
    send('DELETE', 'accounts/emil')
    const answer = await client.answer()
    expect(answer).toMatchObject({ status: 204 })
    expect(answer?.headers.get('connection')).toBe('close')
    expect(await client.closed()).toBe('')
    expect(await users()).not.toContain('emil')
  })

  it('keeps its mail if that is wanted', async () => {
    await create({ user: 'carol', password: 'carols-secret' })
    await http.lab.deliver({ subject: 'Hello' }, 'carol@lab.test')
    expect((await remove('carol?keepMail=true')).status).toBe(204)
    await create({ user: 'carol', password: 'new-secret' })
    expect((await http.request('messages?account=carol')).body.total).toBe(1)
  })
})

describe('an account of the configuration', () => {
  it('is created in the file, changed there, and removed from it', async () => {
    const { body } = await create({ user: 'carol', password: 'carols-secret', configured: true })
    expect(body).toMatchObject({ user: 'carol', configured: true })
    expect(readFileSync(file, 'utf8')).toContain('    - { user: carol, password: carols-secret }\n')
    const json = { password: 'new-secret' }
    expect((await http.request('accounts/Carol', { method: 'PATCH', json })).status).toBe(200)
    expect(readFileSync(file, 'utf8')).toContain('    - { user: carol, password: new-secret }\n')
    expect([await canLogOn('carol', 'carols-secret'), await canLogOn('carol', 'new-secret')]).toEqual([false, true])
    expect((await remove('carol')).status).toBe(204)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('is locked and unlocked, gets app passwords and loses them', async () => {
    const change = async (json: object) => (await http.request('accounts/alice', { method: 'PATCH', json })).body
    expect(await change({ state: 'locked' })).toMatchObject({ user: 'alice', state: 'locked' })
    expect(readFileSync(file, 'utf8')).toContain('    - { user: alice, password: alices-secret, state: locked }\n')
    expect((await logOn('alice', 'alices-secret')).answer).toBe('-ERR [SYS/TEMP] Logon failure: the account is locked.')
    expect(await change({ state: null })).toMatchObject({ state: null })
    expect(readFileSync(file, 'utf8')).toBe(text)
    const appPasswords = ['phone', 'laptop'].map((name) => ({ name, password: `${name}-secret` }))
    expect(await change({ twoFactor: true, appPasswords })).toMatchObject({
      twoFactor: true,
      appPasswords: ['phone', 'laptop'],
    })
    expect(await canLogOn('alice', 'alices-secret')).toBe(false)
    expect(await canLogOn('alice', 'phone-secret')).toBe(true)
    expect(await change({ revokeAppPasswords: ['phone'] })).toMatchObject({ appPasswords: ['laptop'] })
    expect([await canLogOn('alice', 'phone-secret'), await canLogOn('alice', 'laptop-secret')]).toEqual([false, true])
    expect(await change({ delegates: ['12'] })).toMatchObject({ delegates: ['12'] })
    const { status, body } = await http.request('accounts/alice', { method: 'PATCH', json: { state: 'asleep' } })
    expect([status, body.errors[0].pointer]).toEqual([422, '/state'])
  })

  it('is as the file says once it is changed there, whatever a test has changed before', async () => {
    const change = (json: object) => http.request('accounts/alice', { method: 'PATCH', json })
    await http.lab.changeAccount('alice', { state: 'disabled' })
    expect((await change({ state: 'locked' })).body).toMatchObject({ state: 'locked' })
    expect((await change({ state: null })).body).toMatchObject({ state: null })
    expect(await canLogOn('alice', 'alices-secret')).toBe(true)
    await http.lab.changeAccount('alice', { state: 'disabled' })
    expect((await remove('alice')).status).toBe(204)
    expect((await create({ user: 'alice', password: 'new-secret' })).body).toMatchObject({ state: null })
  })

  it('can have a number as its name', async () => {
    const json = { password: 'new-secret' }
    expect((await http.request('accounts/12', { method: 'PATCH', json })).status).toBe(200)
    expect(readFileSync(file, 'utf8')).toContain("    - { user: '12', password: new-secret } # a number\n")
    expect((await remove('12')).status).toBe(204)
    expect(readFileSync(file, 'utf8')).not.toContain('12')
  })

  it('stays as it is where the configuration is locked; others can be created', async () => {
    const locked = `http://127.0.0.1:${http.lab.server('locked').port}/api/v1/accounts`
    const headers = { 'content-type': 'application/json' }
    const send = async (path: string, method: string, json: object): Promise<number> =>
      (await fetch(locked + path, { method, headers, body: JSON.stringify(json) })).status
    expect(await send('', 'POST', { user: 'carol', password: 'x', configured: true })).toBe(403)
    expect(await send('/alice', 'PATCH', { password: 'x' })).toBe(403)
    expect((await fetch(`${locked}/alice`, { method: 'DELETE' })).status).toBe(403)
    expect(await send('', 'POST', { user: 'carol', password: 'x' })).toBe(201)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('a password', () => {
  it('is changed by the account itself if it is not in the configuration', async () => {
    await create({ user: 'carol', password: 'carols-secret' })
    const change = (user: string, headers: Record<string, string>) =>
      http.request(`accounts/${user}`, { method: 'PATCH', json: { password: 'new-secret' }, headers })
    expect((await change('carol', basic('alice', 'alices-secret'))).status).toBe(404)
    expect((await change('alice', basic('alice', 'alices-secret'))).status).toBe(403)
    expect((await change('carol', basic('carol', 'carols-secret'))).status).toBe(200)
    expect([await canLogOn('carol', 'carols-secret'), await canLogOn('carol', 'new-secret')]).toEqual([false, true])
    expect((await change('carol', basic('carol', 'carols-secret'))).status).toBe(401)
    const headers = basic('carol', 'new-secret')
    const { status } = await http.request('accounts/carol', { method: 'PATCH', json: { twoFactor: false }, headers })
    expect(status).toBe(403)
  })

  it('means nothing in an open directory', async () => {
    await using open = await HttpLab.start()
    const json = { user: 'carol', password: 'secret' }
    expect((await open.request('accounts', { json })).status).toBe(201)
    const answer = await open.request('accounts/carol', { method: 'PATCH', json: { password: 'new' } })
    expect([answer.status, answer.body.detail]).toEqual([409, expect.stringContaining('any password')])
    expect((await open.request('accounts/carol', { method: 'DELETE' })).status).toBe(204)
    expect((await open.request('accounts')).body.items).toEqual([])
  })
})

it('tenants and added faults stay after a reload, too', async () => {
  const { body: tenant } = await http.request('tenants', { json: { name: 'ci42' } })
  const [{ user, password }] = tenant.accounts
  await http.request('faults', { json: { when: { verb: 'STAT' }, do: { reply: '-ERR [SYS/TEMP] later' } } })
  expect((await http.request('configuration/reload', { json: {} })).status).toBe(200)
  const { client, answer } = await logOn(user, password)
  expect(answer).toMatch(/^\+OK/)
  client.send('STAT\r\n')
  expect(await client.line()).toBe('-ERR [SYS/TEMP] later')
  client.destroy()
  expect((await http.request('faults')).body.items).toMatchObject([{ id: 'f1', hits: 1 }])
  await http.request('tenants/ci42', { method: 'DELETE' })
  expect(await canLogOn(user, password)).toBe(false)
})

describe('an account of a file', () => {
  const HASH = '$5$WO9eJTcHTMv7A3oW$jiH8x7Oq6skEHzp6ySwl1Mgo7L4I73M6CftYO0aeHY4'

  beforeEach(async () => {
    writeFileSync(join(folder, 'users'), 'carol:{PLAIN}carols-secret\n')
    const withFile = text
      .replace('  accounts:', '  accountFiles: [{ file: users }]\n  accounts:')
      .replace('password: alices-secret', `passwordHash: ${HASH}`)
    writeFileSync(file, withFile)
    await http.lab.reload()
  })

  it('is changed until the lab stops, and not deleted', async () => {
    const changed = await http.request('accounts/carol', { method: 'PATCH', json: { password: 'new' } })
    expect([changed.status, changed.body.configured]).toEqual([200, true])
    expect([await canLogOn('carol', 'new'), await canLogOn('carol', 'carols-secret')]).toEqual([true, false])
    expect(readFileSync(join(folder, 'users'), 'utf8')).toBe('carol:{PLAIN}carols-secret\n')
    const { status, body } = await remove('carol')
    expect([status, body.detail]).toEqual([
      409,
      `the account carol is in the file ${join(folder, 'users')}; remove it there, and reload the configuration`,
    ])
  })

  it('with a hash: the hash is a secret, and a new password takes its place', async () => {
    const shown = JSON.stringify([
      (await http.request('configuration')).body,
      (await http.request('configuration/effective')).body,
      (await http.request('accounts')).body,
    ])
    expect(shown).toContain('alice')
    expect(shown).not.toContain('WO9eJTcHTMv7A3oW')
    expect(shown).not.toContain('carols-secret')
    expect(await canLogOn('alice', 'geheim')).toBe(true)
    expect((await http.request('accounts/alice', { method: 'PATCH', json: { password: 'new' } })).status).toBe(200)
    expect(readFileSync(file, 'utf8')).toContain('{ user: alice, password: new }')
    expect([await canLogOn('alice', 'new'), await canLogOn('alice', 'geheim')]).toEqual([true, false])
  })
})
