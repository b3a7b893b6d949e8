import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'

const [ci, viewer, one] = ['ci', 'viewer', 'one'].map((name) => `${name}-token`.repeat(4)) as [string, string, string]

let http: HttpLab
beforeAll(async () => {
  http = await HttpLab.start({
    directory: {
      accounts: [
        { user: 'alice', password: 'secret' },
        { user: 'bob', password: 'secret', sieve: 'keep;' },
        { user: 'one-eve', password: 'secret' },
      ],
    },
    access: {
      tokens: [
        { name: 'ci', token: ci },
        { name: 'viewer', role: 'reader', token: viewer },
        { name: 'one', role: 'tenant', token: one },
      ],
    },
    mail: { sieve: { scripts: 2, scriptSize: 300 } },
    virtualServers: [
      { protocol: 'smtp' },
      { protocol: 'lmtp' },
      { protocol: 'http', authentication: ['basic'], providers: [{ provider: 'resend', senders: ['lab.test'] }] },
    ],
  })
})
afterAll(() => http[Symbol.asyncDispose]())

const admin = bearer(ci)
const alice = basic('alice', 'secret')
type Headers = Record<string, string>

const call = (path: string, method = 'GET', json?: object, headers: Headers = admin) =>
  http.request(`accounts/${path}`, { method, json, headers })
const put = (name: string, content: string, more: object = {}, headers = admin) =>
  call(`alice/scripts/${encodeURIComponent(name)}`, 'PUT', { content, ...more }, headers)

const listed = async (user = 'alice'): Promise<string[]> =>
  (await call(`${user}/scripts`)).body.items.map(
    ({ name, active }: { name: string; active: boolean }) => `${name}${active ? ' (active)' : ''}`,
  )

beforeEach(async () => {
  for (const { name, active } of (await call('alice/scripts')).body.items) {
    const path = `alice/scripts/${encodeURIComponent(name)}`
    if (active) await call(path, 'PATCH', { active: false })
    expect((await call(path, 'DELETE')).status).toBe(204)
  }
})

const junk = 'require ["fileinto", "mailbox"];\nfileinto :create "Junk";\n'

it('stores, activates, runs, renames, deactivates and deletes a script', async () => {
  const stored = await put('junk', junk, { active: true })
  expect([stored.status, stored.body]).toEqual([200, { name: 'junk', active: true, configured: false, content: junk }])
  await http.lab.deliver({ subject: 'Hello' }, 'alice@lab.test')
  expect((await http.request('messages?account=alice', { headers: admin })).body.items[0].folder).toMatchObject({
    name: 'Junk',
  })
  // Another version does not deactivate it.
  await put('junk', 'keep;')
  expect((await call('alice/scripts/junk')).body).toMatchObject({ content: 'keep;', active: true })
  const renamed = await call('alice/scripts/junk', 'PATCH', { newName: 'a/b ü', active: true })
  expect([renamed.status, renamed.body.name]).toEqual([200, 'a/b ü'])
  expect(await listed()).toEqual(['a/b ü (active)'])
  const path = `alice/scripts/${encodeURIComponent('a/b ü')}`
  expect(await call(path, 'DELETE')).toMatchObject({
    status: 409,
    body: { detail: 'The script is active; activate another one first, or none.' },
  })
  expect((await call(path, 'PATCH', { active: false })).body.active).toBe(false)
  expect((await call(path, 'DELETE')).status).toBe(204)
  expect((await call(path)).status).toBe(404)
})

it('answers every mistake of a script with line and column, and stores nothing', async () => {
  const { status, body } = await put('bad', 'fileinto "Junk";\nkeep "x";\n')
  expect(status).toBe(422)
  expect(body.errors.map(({ pointer, line }: { pointer: string; line: number }) => [pointer, line])).toEqual([
    ['/content', 1],
    ['/content', 2],
  ])
  for (const { line, column, message } of body.errors) expect(message).toContain(`line ${line}, column ${column}: `)
  expect(body.detail).toContain(body.errors[0].message)
  expect((await put('good', 'keep;', { dryRun: true })).status).toBe(200)
  expect((await put('bad', 'keep', { dryRun: true })).body.errors[0]).toMatchObject({ line: 1, column: 5 })
  expect(await listed()).toEqual([])
})

it('keeps to the limits of an account, and to names that scripts may have', async () => {
  await put('1', 'keep;')
  await put('2', 'keep;')
  const third = await put('3', 'keep;')
  expect([third.status, third.body.detail]).toEqual([409, 'An account may have 2 scripts (mail.sieve.scripts).'])
  expect((await put('2', `keep; # ${'x'.repeat(300)}`)).status).toBe(413)
  expect((await put('a\u0000b', 'keep;')).status).toBe(422)
  expect((await call('alice/scripts/1', 'PATCH', { newName: '2' })).status).toBe(409)
  expect((await call('alice/scripts/4', 'PATCH', { active: true })).status).toBe(404)
})

it('shows the script of the configuration, which only the YAML changes', async () => {
  expect((await call('bob/scripts/configuration')).body).toEqual({
    name: 'configuration',
    active: true,
    configured: true,
    content: 'keep;',
  })
  expect((await call('bob/scripts/configuration', 'PUT', { content: 'stop;' })).status).toBe(422)
  expect((await call('bob/scripts/configuration', 'PATCH', { active: false })).status).toBe(200)
  expect((await call('bob/scripts/configuration', 'DELETE')).status).toBe(422)
  expect(await listed('bob')).toEqual(['configuration'])
  await call('bob/scripts/configuration', 'PATCH', { active: true })
  expect(await listed('bob')).toEqual(['configuration (active)'])
})

it('lets an account change its own scripts, a tenant those of its accounts, and a reader none', async () => {
  expect((await put('mine', 'keep;', {}, alice)).status).toBe(200)
  expect((await call('bob/scripts', 'GET', undefined, alice)).status).toBe(404)
  expect((await call('bob/scripts/x', 'PUT', { content: 'keep;' }, alice)).status).toBe(404)
  expect((await call('one-eve/scripts/x', 'PUT', { content: 'keep;' }, bearer(one))).status).toBe(200)
  expect((await put('theirs', 'keep;', {}, bearer(one))).status).toBe(404)
  expect((await call('alice/scripts/mine', 'GET', undefined, bearer(viewer))).status).toBe(200)
  expect((await put('mine', 'stop;', {}, bearer(viewer))).status).toBe(403)
  expect((await call('nobody/scripts')).status).toBe(404)
})

it('shows in the history of a message, and in the session, what scripts did, however the message arrived', async () => {
  await put('junk', `# One\n${junk}`, { active: true })
  const mail = { from: 'shop@lab.test', to: ['alice@lab.test'], text: 'Hello' }
  const lmtp = createTransport({ port: http.lab.server('lmtp').port, lmtp: true, tls: { ca: http.lab.ca } })
  await lmtp.sendMail({ ...mail, subject: 'lmtp' })
  expect((await http.request('messages', { json: { ...mail, subject: 'api' }, headers: admin })).status).toBe(201)
  const octets = 'Subject: import\r\n\r\nHello\r\n'
  const upload = { method: 'POST', body: octets, headers: { ...admin, 'content-type': 'message/rfc822' } }
  expect((await http.request('messages/import?to=alice@lab.test', upload)).status).toBe(201)
  const resend = { json: { ...mail, subject: 'resend' }, headers: bearer('re_key') }
  expect((await http.request('/resend/emails', resend)).status).toBe(200)
  const { items } = (await http.request('messages?account=alice', { headers: admin })).body
  for (const subject of ['lmtp', 'api', 'import', 'resend']) {
    const { id } = items.find((one: { subject: string }) => one.subject === subject)
    const happened = (await http.request(`messages/${id}/history`, { headers: admin })).body.items
    expect(happened.map(({ event, folder, text }: Record<string, string>) => [event, folder, text])).toEqual([
      ['delivered', 'Junk', null],
      ['script', 'Junk', 'filed into Junk by line 3'],
    ])
    expect(happened[1].user).toBe('alice')
  }
  const noted = http.lab
    .sessions()
    .filter(({ transcript }) =>
      transcript.some((one) => one.kind === 'note' && one.text === 'alice: filed into Junk by line 3'),
    )
  expect(noted.map(({ protocol }) => protocol).sort()).toEqual(['http', 'lmtp'])
})

it('tells administrators that a script discarded a message that others have', async () => {
  await put('none', 'discard;', { active: true })
  await http.lab.deliver({ subject: 'both' }, { to: ['alice', 'bob'] })
  const [{ id }] = (await http.request('messages?account=bob', { headers: admin })).body.items
  const textsFor = async (headers: Headers): Promise<string[]> =>
    (await http.request(`messages/${id}/history`, { headers })).body.items.map(({ text }: { text: string }) => text)
  const own = 'kept in INBOX by line 1'
  expect((await textsFor(admin)).sort()).toEqual(['alice: discarded by line 1', own, null].sort())
  expect((await textsFor(basic('bob', 'secret'))).sort()).toEqual([own, null].sort())
})

it('deletes scripts with their account, or keeps them with its mail', async () => {
  const carol = { user: 'carol', password: 'secret' }
  const create = () => http.request('accounts', { json: carol, headers: admin })
  await create()
  await call('carol/scripts/mine', 'PUT', { content: 'keep;', active: true })
  expect((await call('carol?keepMail=true', 'DELETE')).status).toBe(204)
  expect((await call('carol/scripts')).status).toBe(404)
  await create()
  expect(await listed('carol')).toEqual(['mine (active)'])
  expect((await call('carol', 'DELETE')).status).toBe(204)
  await create()
  expect(await listed('carol')).toEqual([])
})
