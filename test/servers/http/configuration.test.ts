import {
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordChange, recordedChanges } from '../../../src/api/configuration/history.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { isThorough } from '../../support/thorough.ts'
import { bearer, HttpLab } from './client.ts'

const reader = 'reader-token-of-the-test'
const text = `# The lab of this test.
certificates: { store: memory, key: p256 }
directory:
  accounts:
    - { user: alice, password: alices-secret } # an administrator
    - { user: bob, password: bobs-secret }
access: { tokens: [{ name: watcher, role: reader, token: ${reader} }] }

virtualServers:
  - { protocol: smtp, port: 0 } # for all
  - protocol: pop3
    port: 0
    tlsPort: off
  - { protocol: http, port: 0, tlsPort: off }
`
const pop3 = 'virtual-servers/default-pop3-virtual-server'

let folder: string
let file: string
beforeEach(() => {
  folder = realpathSync(newFolder())
  file = join(folder, 'lab.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const content = (): string => readFileSync(file, 'utf8')
const start = (given = text): Promise<HttpLab> => {
  writeFileSync(file, given)
  return HttpLab.ofFile(file)
}
const patch = (http: HttpLab, path: string, json: object, headers = {}) =>
  http.request(path, { method: 'PATCH', json, headers })
const set = (path: string, value: unknown) => ({ changes: [{ op: 'set', path, value }] })
const remove = (path: string) => ({ changes: [{ op: 'remove', path }] })

async function greeting(port = 0): Promise<string> {
  const client = await LineClient.open(port)
  const line = await client.line()
  client.send('USER bob\r\n')
  const reply = await client.line()
  client.destroy()
  return `${line} ${reply}`
}

describe('reading', () => {
  it('shows what the lab uses, with all defaults and without secrets', async () => {
    await using http = await start()
    const { status, headers, body } = await http.request('configuration')
    expect(status).toBe(200)
    expect(headers.get('etag')).toMatch(new RegExp(`^"${body.etag}\\.`))
    expect(body).toMatchObject({
      name: file,
      file,
      durable: true,
      locked: false,
      changedOnDisk: false,
      afterRestart: [],
    })
    const { directory, virtualServers, access, hostname } = body.configuration
    expect(hostname).toBe('localhost')
    expect(directory).toMatchObject({ mode: 'listed', unknown: 'refuse' })
    expect(directory.accounts[0]).toEqual({ user: 'alice', password: '***', addresses: ['alice@lab.test'] })
    expect(access.tokens).toEqual([{ name: 'watcher', role: 'reader', token: '***' }])
    expect(virtualServers[1]).toMatchObject({
      name: 'Default POP3 Virtual Server',
      port: 0,
      tlsPort: 'off',
      certificate: 'auto',
      requireSecureChannel: false,
      limits: { connections: 500, idleTimeout: '10m', handshakeTimeout: '10s' },
    })
    const again = await http.request('configuration', { headers: { 'if-none-match': headers.get('etag') ?? '' } })
    expect([again.status, again.body]).toEqual([304, ''])
  })

  it('shows a configuration that is valid as it stands', async () => {
    await using http = await start()
    const { configuration } = (await http.request('configuration')).body
    await using other = await HttpLab.start({ ...configuration, access: { tokens: [] }, directory: { mode: 'open' } })
    expect((await other.request('configuration')).body.configuration.virtualServers).toEqual(
      configuration.virtualServers,
    )
  })

  it('shows the YAML with its comments to administrators, without secrets', async () => {
    await using http = await start()
    const yaml = await http.request('configuration/yaml')
    expect(yaml.headers.get('content-type')).toBe('application/yaml')
    expect(yaml.body).toContain('# The lab of this test.\n')
    expect(yaml.body).toContain("- { user: alice, password: '***' } # an administrator\n")
    expect(yaml.body).not.toMatch(/s-secret|token-of/)
    expect(yaml.headers.get('etag')).toBe(`"${(await http.request('configuration')).body.etag}"`)
    expect((await http.request('configuration', { headers: bearer(reader) })).status).toBe(200)
    expect((await http.request('configuration/yaml', { headers: bearer(reader) })).status).toBe(403)
  })

  it('describes every key', async () => {
    await using http = await start()
    const { body } = await http.request('configuration/schema')
    expect(body.properties.virtualServers.items.properties.requireSecureChannel.description).toMatch(/must start TLS/)
  })
})

describe('a change of a virtual server', () => {
  it('is shown as a difference by a dry run, and changes nothing', async () => {
    await using http = await start()
    const { status, body } = await patch(http, pop3, { requireSecureChannel: true, tlsPort: null, dryRun: true })
    expect(status).toBe(200)
    expect(body).toMatchObject({ applied: false, durable: true, warnings: [], afterRestart: [] })
    expect(body.diff).toBe(
      [
        `--- ${file}`,
        `+++ ${file}`,
        '@@ -10,5 +10,5 @@',
        '   - { protocol: smtp, port: 0 } # for all',
        '   - protocol: pop3',
        '     port: 0',
        '-    tlsPort: off',
        '+    requireSecureChannel: true',
        '   - { protocol: http, port: 0, tlsPort: off }',
        '',
      ].join('\n'),
    )
    expect(body.hunks).toHaveLength(1)
    expect(body.hunks[0].lines.filter(({ kind }: { kind: string }) => kind !== 'same')).toEqual([
      { kind: 'removed', text: '    tlsPort: off' },
      { kind: 'added', text: '    requireSecureChannel: true' },
    ])
    expect(content()).toBe(text)
    expect(await greeting(http.lab.server('pop3').port)).toContain('+OK')
  })

  it('is written and used immediately, and touches no other line', async () => {
    await using http = await start()
    const { port } = http.lab.server('pop3')
    const { body } = await patch(http, pop3, { requireSecureChannel: true, limits: { connections: 7 } })
    expect(body).toMatchObject({ applied: true, durable: true })
    const changed = '    tlsPort: off\n    requireSecureChannel: true\n    limits:\n      connections: 7\n'
    expect(content()).toBe(text.replace('    tlsPort: off\n', changed))
    expect(http.lab.server('pop3').port).toBe(port)
    expect(await greeting(port)).toContain('-ERR [AUTH]')
    // A second patch of limits keeps the first.
    await patch(http, pop3, { limits: { recipients: 9 } })
    const { body: now } = await http.request('configuration')
    expect(now.configuration.virtualServers[1].limits).toMatchObject({ connections: 7, recipients: 9 })
    expect((await patch(http, pop3, { limits: { recipients: 9 } })).body).toMatchObject({ applied: false, diff: '' })
  })

  it.each([{}, { from: null }])(
    'with a mapping without values creates it, which may lack a key: %j',
    async (proxyProtocol) => {
      await using http = await start()
      const { status, body } = await http.request('virtual-servers/default-pop3-virtual-server', {
        method: 'PATCH',
        json: { proxyProtocol, dryRun: true },
      })
      expect([status, body.detail]).toEqual([422, expect.stringMatching(/proxyProtocol\.from: is missing/)])
    },
  )

  it('of an unknown one is 404, and an unknown key is 422 with its place', async () => {
    await using http = await start()
    expect((await patch(http, 'virtual-servers/default-nntp-virtual-server', { port: 'off' })).status).toBe(404)
    const { status, body } = await patch(http, pop3, { reqireSecureChannel: true, port: 70_000 })
    expect(status).toBe(422)
    expect(body.errors).toEqual([
      {
        pointer: '/virtualServers/1/port',
        message: 'is 70000; must be off or a whole number from 0 to 65535',
        place: `${file}:12:11`,
      },
      {
        pointer: '/virtualServers/1/reqireSecureChannel',
        message: 'unknown key; did you mean requireSecureChannel?',
        place: `${file}:14:5`,
      },
    ])
    expect(content()).toBe(text)
  })

  it('can be its removal, and new ones can be added', async () => {
    await using http = await start()
    const added = await http.request('virtual-servers', { json: { protocol: 'nntp', name: 'News', port: 0 } })
    expect([added.status, added.body.id]).toEqual([201, 'news'])
    expect(content()).toContain('  - { protocol: nntp, name: News, port: 0 }\n')
    expect(await greeting(http.lab.server('News').port)).toMatch(/^20\d /)
    expect((await http.request('virtual-servers', { json: { protocol: 'nntp', name: 'news' } })).status).toBe(409)
    const tried = await http.request('virtual-servers', {
      json: { protocol: 'smtp', name: 'Other', port: 0, dryRun: true },
    })
    expect([tried.status, tried.headers.get('location'), tried.body.applied]).toEqual([200, null, false])
    const { port } = http.lab.server('pop3')
    const removed = await http.request(`${pop3}?dryRun=true`, { method: 'DELETE' })
    expect(removed.body).toMatchObject({ applied: false })
    expect(removed.body.diff).toContain('-  - protocol: pop3\n-    port: 0\n-    tlsPort: off\n')
    expect((await http.request(pop3, { method: 'DELETE' })).body.applied).toBe(true)
    await expect(LineClient.open(port)).rejects.toThrow('ECONNREFUSED')
    expect((await http.request('virtual-servers')).body.items).toHaveLength(3)
    for (const which of ['nntp', 'News', 'news'])
      expect((await http.request(`virtual-servers/${which}`)).body).toMatchObject({ id: 'news', name: 'News' })
    const { status, body } = await http.request('virtual-servers/imap4')
    expect([status, body.detail]).toEqual([
      404,
      expect.stringMatching(/there is no virtual server imap4; .*nntp \(News\)/),
    ])
  })

  it('that the caller uses is announced', async () => {
    await using http = await start()
    const own = 'virtual-servers/default-http-virtual-server'
    const { body } = await patch(http, own, { tlsPort: 0, dryRun: true })
    expect(body.warnings).toEqual([
      'the virtual server of this request, "Default HTTP Virtual Server", moves to 127.0.0.1, port 0, TLS port 0',
    ])
    const gone = await http.request(`${own}?dryRun=true`, { method: 'DELETE' })
    expect(gone.body.warnings).toContain(
      'the virtual server of this request, "Default HTTP Virtual Server", is removed',
    )
  })
})

describe('a change of any value', () => {
  it('adds and removes accounts, and shows no password', async () => {
    await using http = await start()
    const account = { user: 'carol', password: 'carols-secret' }
    const { body } = await patch(http, 'configuration', set('/directory/accounts/-', account))
    expect(body.diff).toContain("+    - { user: carol, password: '***' }\n")
    expect(JSON.stringify(body)).not.toContain('s-secret')
    expect(content()).toContain('    - { user: carol, password: carols-secret }\n')
    expect(await http.lab.credentials('carol')).toEqual({ user: 'carol', pass: 'carols-secret' })
    await patch(http, 'configuration', remove('/directory/accounts/bob'))
    expect(content()).not.toContain('bob')
    expect(() => http.lab.credentials('bob')).toThrow('no account')
  })

  it('cannot reach what all objects inherit', async () => {
    await using http = await start()
    for (const path of ['/__proto__/zz', '/constructor/zz', '/constructor/prototype/zz', '/domain/__proto__/zz']) {
      const { status } = await patch(http, 'configuration', { ...set(path, 1), dryRun: true })
      expect(status, path).toBe(422)
      expect(({} as { zz?: number }).zz, path).toBeUndefined()
    }
    expect((await http.request('messages')).status).toBe(200)
  })

  it('is validated as a whole, as sealpost check does, and refused with a place', async () => {
    await using http = await start()
    const taken = http.lab.server('smtp').port
    const cases: [object, string, string | RegExp, string][] = [
      [set('/hostname', 'not a host'), '/hostname', /is "not a host"/, `${file}:15:11`],
      [
        set('/virtualServers/pop3/certificate', 'Lost'),
        '/virtualServers/1/certificate',
        /no certificate "Lost"/,
        '14:18',
      ],
      [remove('/domain'), '/domain', 'is not set in this file', `${file}:2:1`],
      [set('/virtualServers/nntp/port', 0), '/virtualServers', /has no item nntp/, ''],
      [set('/administrators', ['zoe']), '/access/administrators/0', /not one of directory.accounts/, `${file}:7:104`],
      [set('/tokens/watcher/token', '***'), '/access/tokens/0/token', /stands for a secret/, ''],
      [set('/virtualServers/smtp', { protocol: 'smtp', port: 0, motd: 1 }), '/virtualServers/0/motd', /is 1/, ':10:38'],
    ]
    for (const [json, pointer, message, place] of cases) {
      const { status, body } = await patch(http, 'configuration', json)
      expect([status, body.errors?.length], JSON.stringify(body)).toEqual([422, 1])
      expect(body.errors[0].pointer).toBe(pointer)
      expect(body.errors[0].message).toMatch(message)
      expect(body.errors[0].place ?? '').toContain(place)
      expect(content()).toBe(text)
    }
    await using other = await HttpLab.start()
    const { body } = await patch(http, pop3, { port: other.lab.server('smtp').port })
    expect(body.errors[0]).toMatchObject({
      pointer: '/virtualServers/1/port',
      message: /in use/,
      place: `${file}:12:11`,
    })
    expect(http.lab.server('smtp').port).toBe(taken)
  })

  it('merges keys of several mappings together, and removes those that are not set, too', async () => {
    await using http = await start()
    const changes = [
      { op: 'merge', path: '/virtualServers/pop3', value: { tlsPort: null, motd: null, limits: { recipients: 7 } } },
      { op: 'merge', path: '', value: { domain: null, directory: { unknown: 'capture', quota: { messages: 5 } } } },
    ]
    const { body } = await patch(http, 'configuration', { changes })
    expect(body).toMatchObject({ applied: true, durable: true })
    expect(content()).toContain('  - protocol: pop3\n    port: 0\n    limits:\n      recipients: 7\n')
    const { configuration } = (await http.request('configuration')).body
    expect(configuration.directory).toMatchObject({ unknown: 'capture', quota: { messages: 5 } })
    expect(configuration.directory.accounts).toHaveLength(2)
    const wrong = { op: 'merge', path: '/directory', value: { unknown: 'burn' } }
    const refused = await patch(http, 'configuration', { changes: [wrong] })
    expect(refused.status).toBe(422)
    expect(refused.body.errors).toMatchObject([{ pointer: '/directory/unknown', place: `${file}:7:12` }])
  })

  it('is rolled back if the lab cannot use it', async () => {
    await using http = await start()
    const webhook = { url: 'http://127.0.0.1:9/hook', secret: 'x'.repeat(32), filter: 'is:nonsense' }
    const { status, body } = await patch(http, 'configuration', set('/webhooks', [webhook]))
    expect([status, body.detail]).toEqual([
      409,
      expect.stringMatching(/^not applied, and nothing has changed: .*nonsense/),
    ])
    expect(content()).toBe(text)
    expect((await http.request('configuration')).body).toMatchObject({
      changedOnDisk: false,
      configuration: { webhooks: [] },
    })
    expect(readdirSync(folder)).toEqual(['lab.yaml'])
  })

  it('says what the next start applies', async () => {
    await using http = await start()
    const { body } = await patch(http, 'configuration', set('/store', { memory: '10MiB' }))
    const restart = [{ pointer: '/store', message: 'takes effect at the next start of the lab' }]
    expect(body).toMatchObject({ applied: true, afterRestart: restart })
    expect((await http.request('configuration')).body.afterRestart).toEqual(restart)
    const dryRun = async (path: string, value: unknown): Promise<unknown> =>
      (await patch(http, 'configuration', { ...set(path, value), dryRun: true })).body.afterRestart
    const of = (key: string) => ({ ...restart[0], pointer: key })
    expect(await dryRun('/certificates/key', 'rsa-2048')).toEqual([of('/store'), of('/certificates')])
    expect(await dryRun('/certificates/profiles', { weekly: { purposes: ['serverAuth'] } })).toEqual(restart)
  })

  it('names no files, folders and programs of the machine over HTTP', async () => {
    await using http = await start()
    for (const [path, value] of [
      ['/capture', join(folder, 'lab.pcapng')],
      ['/store', { lmdb: 'data' }],
      ['/certificates', '../elsewhere'],
      ['/directory/accounts/bob/preload', '/etc/passwd'],
      ['/directory/accounts/-', { user: 'eve', passwordFile: '/etc/hostname' }],
      ['/directory/accountFiles', [{ file: '/etc/passwd' }]],
      ['/connectors', [{ name: 'x', smartHost: { host: 'x.test', user: 'x', passwordFile: '/etc/hostname' } }]],
      ['/authorityService', { port: 0, acme: { dns: ['/bin/true'] } }],
      ['/tokens/-', { name: 'x', tokenFile: '/etc/hostname' }],
    ] as const) {
      const { status, body } = await patch(http, 'configuration', set(path, value))
      // A file that does not exist or does not suit is a mistake already.
      expect([403, 422], path).toContain(status)
      if (status === 403) expect(body.errors[0].message, path).toMatch(/can be changed only on the machine/)
      expect(content()).toBe(text)
    }
  })

  it('opens no file that HTTP names, and tells nothing of it', async () => {
    await using http = await start()
    writeFileSync(join(folder, 'some.secret'), 'the-first-line\n')
    const secret = join(folder, 'some.secret')
    for (const [path, value] of [
      ['/dns', { zones: { 'evil.test': { file: secret } } }],
      ['/mailAuthentication', { dkim: [{ domain: 'lab.test', selector: 's', key: secret }] }],
      ['/mailAuthentication', { arc: { domain: 'lab.test', selector: 's', key: secret } }],
      ['/controlSenders', [{ from: 'a@lab.test', key: secret }]],
      ['/tokens/-', { name: 'x', tokenFile: secret }],
      ['/tokens/-', { name: 'x', tokenFile: '/nowhere' }],
      ['/directory/accounts/-', { user: 'eve', passwordFile: secret }],
    ] as const) {
      const { status, body } = await patch(http, 'configuration', set(path, value))
      expect([path, status, body.errors?.[0].message]).toEqual([
        path,
        403,
        expect.stringContaining('can be changed only on the machine'),
      ])
    }
  })

  it('sends no secret of the configuration to another host', async () => {
    const smartHost = { host: '127.0.0.1', port: 9, user: 'relay', password: 'a-secret-of-the-owner' }
    const given = `${text}connectors: [{ name: Out, smartHost: ${JSON.stringify(smartHost)} }]\n`
    await using http = await start(given)
    for (const [key, value] of [
      ['port', 42_999],
      ['host', '127.0.0.2'],
      ['tls', 'none'],
    ] as const) {
      const { status, body } = await patch(http, 'configuration', set(`/connectors/Out/smartHost/${key}`, value))
      expect([key, status, body.errors?.[0].message]).toEqual([
        key,
        403,
        expect.stringContaining('sends a secret of the configuration to another host'),
      ])
    }
    const other = { ...smartHost, port: 42_999, password: 'another-secret' }
    expect((await patch(http, 'configuration', set('/connectors/Out/smartHost', other))).status).toBe(200)
  })

  it('keeps each file for its own key over HTTP', async () => {
    writeFileSync(join(folder, 'ci.token'), 'the-token-of-the-file\n')
    const given = text.replace('tokens: [', 'tokens: [{ name: ci, tokenFile: ci.token }, ')
    await using http = await start(given)
    for (const [path, value] of [
      ['/newsgroups/-', { name: 'lab.secrets', preload: 'ci.token' }],
      ['/webhooks/-', { url: 'https://127.0.0.1:9/', secret: 'a'.repeat(40), authority: 'ci.token' }],
      ['/connectors', [{ name: 'Out', smartHost: { host: 'mail.lab.test', tls: 'verify', authority: './ci.token' } }]],
      ['/connectors', [{ name: 'Out', route: 'dns', tls: 'verify', resolver: '127.0.0.1', authority: './ci.token' }]],
    ] as const) {
      const { status, body } = await http.request('configuration', {
        method: 'PATCH',
        json: set(path, value),
        headers: bearer('the-token-of-the-file'),
      })
      expect([path, status, body.errors?.[0].message]).toEqual([
        path,
        403,
        expect.stringContaining('only on the machine'),
      ])
    }
    expect(content()).toBe(given)
  })

  it('keeps anchors, and refuses what an alias shares', async () => {
    await using http = await start(
      text
        .replace('{ protocol: smtp, port: 0 }', '{ protocol: smtp, port: &p 0 }')
        .replace('    port: 0\n', '    port: *p\n'),
    )
    const { status, body } = await patch(http, 'virtual-servers/default-smtp-virtual-server', { port: 'off' })
    expect([status, body.errors[0].message]).toEqual([422, expect.stringContaining('is also used by an alias')])
    expect((await patch(http, pop3, { port: 'off' })).status).toBe(422)
    const { body: applied } = await patch(http, pop3, { port: 0, tlsPort: 0 })
    expect(applied.diff).toContain('-    port: *p\n')
  })
})

describe('two administrators', () => {
  it('lose nothing if they change the same file at the same time', async () => {
    await using http = await start()
    const users = Array.from({ length: isThorough ? 12 : 4 }, (_, at) => `user${at}`)
    const answers = await Promise.all(
      users.map((user) => patch(http, 'configuration', set('/directory/accounts/-', { user, password: 'secret' }))),
    )
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 200))
    for (const user of users) expect(content().match(new RegExp(`user: ${user},`, 'g'))).toHaveLength(1)
    expect((await http.request('accounts')).body.items).toHaveLength(users.length + 2)
  })

  it('are told by If-Match that the other was faster', async () => {
    await using http = await start()
    const { etag } = (await http.request('configuration')).body
    const condition = { 'if-match': `"${etag}"` }
    const first = await patch(http, pop3, { requireSecureChannel: true }, condition)
    expect([first.status, first.headers.get('etag')]).toEqual([200, `"${first.body.etag}"`])
    const second = await patch(http, pop3, { requireSecureChannel: false }, condition)
    expect([second.status, second.body.type]).toEqual([412, expect.stringContaining('precondition-failed')])
    expect(content()).toContain('requireSecureChannel: true')
    const third = await patch(http, pop3, { requireSecureChannel: false }, { 'if-match': `"${first.body.etag}"` })
    expect(third.status).toBe(200)
    expect((await patch(http, pop3, { requireSecureChannel: true }, { 'if-match': '*' })).status).toBe(200)
  })

  it('lose no change that someone makes with an editor', async () => {
    await using http = await start()
    const { etag } = (await http.request('configuration')).body
    writeFileSync(file, text.replace('# for all', '# for everyone'))
    expect((await http.request('configuration')).body.changedOnDisk).toBe(true)
    expect((await http.request('configuration/diff')).body.diff).toContain(
      '+  - { protocol: smtp, port: 0 } # for everyone',
    )
    expect((await patch(http, pop3, { requireSecureChannel: true }, { 'if-match': `"${etag}"` })).status).toBe(412)
    expect((await patch(http, pop3, { requireSecureChannel: true })).status).toBe(200)
    expect(content()).toContain('# for everyone')
    expect(content()).toContain('requireSecureChannel: true')
  })
})

it('a change of who may call applies to connections that are open', async () => {
  await using http = await start()
  const headers = bearer(reader)
  expect((await http.request('status', { headers })).body.role).toBe('reader')
  await patch(http, 'configuration', remove('/tokens/watcher'))
  expect((await http.request('status', { headers })).status).toBe(401)
  await patch(http, 'configuration', set('/virtualServers/http/authentication', ['basic']))
  expect((await http.request('status')).status).toBe(401)
})

it('a file keeps its mode and its place behind a link', async () => {
  const real = join(folder, 'real.yaml')
  writeFileSync(real, text)
  chmodSync(real, 0o640)
  symlinkSync('real.yaml', file)
  await using http = await HttpLab.ofFile(file)
  expect((await patch(http, pop3, { requireSecureChannel: true })).body.applied).toBe(true)
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(statSync(real).mode & 0o777).toBe(0o640)
  expect(readFileSync(real, 'utf8')).toContain('requireSecureChannel: true')
  expect(readdirSync(folder).sort()).toEqual(['lab.yaml', 'real.yaml'])
})

describe('a file that was edited', () => {
  it('is used after a reload, and changes nothing if it is wrong', async () => {
    await using http = await start()
    writeFileSync(file, text.replace('tlsPort: off\n', 'requireSecureChannel: true\n'))
    expect((await http.request('configuration/reload', { json: {} })).status).toBe(200)
    expect(await greeting(http.lab.server('pop3').port)).toContain('-ERR [AUTH]')
    writeFileSync(file, 'virtualServers: [\n')
    const { status, body } = await http.request('configuration/reload', { json: {} })
    expect([status, body.errors[0].place]).toEqual([422, `${file}:1:17`])
    expect((await patch(http, pop3, { requireSecureChannel: false })).status).toBe(422)
    expect((await http.request('configuration')).body).toMatchObject({ changedOnDisk: true })
    expect(content()).toBe('virtualServers: [\n')
  })
})

it('configurationLocked forbids every change over that virtual server', async () => {
  await using http = await start(text.replace('http, port: 0,', 'http, port: 0, configurationLocked: true,'))
  expect((await http.request('configuration')).body).toMatchObject({
    locked: true,
    lockedBecause: expect.stringContaining('configurationLocked: true'),
  })
  const before = content()
  const requests = [
    patch(http, pop3, { requireSecureChannel: true }),
    patch(http, pop3, { requireSecureChannel: true, dryRun: true }),
    patch(http, 'configuration', set('/virtualServers/http/configurationLocked', false)),
    http.request(pop3, { method: 'DELETE' }),
    http.request('virtual-servers', { json: { protocol: 'nntp' } }),
  ]
  for (const { status, body } of await Promise.all(requests)) {
    expect([status, body.detail]).toEqual([403, expect.stringContaining('sealpost config set')])
  }
  expect(content()).toBe(before)
})

it('without a file, changes last until the lab stops or is given another configuration', async () => {
  await using http = await HttpLab.start({ virtualServers: [{ protocol: 'pop3' }, { protocol: 'http' }] })
  const { body } = await patch(http, pop3, { requireSecureChannel: true })
  expect(body).toMatchObject({ applied: true, durable: false })
  expect(body.diff).toContain('+    requireSecureChannel: true\n')
  expect(await greeting(http.lab.server('pop3').port)).toContain('-ERR [AUTH]')
  expect((await http.request('configuration/yaml')).body).toContain('requireSecureChannel: true')
  expect((await http.request('configuration')).body).toMatchObject({ file: null, durable: false, changedOnDisk: false })
  expect((await patch(http, pop3, { port: 70_000 })).body.errors[0]).toMatchObject({
    pointer: '/virtualServers/0/port',
    place: expect.stringMatching(/^startLab\(\):\d+:\d+$/),
  })
  await http.lab.reload()
  expect(await greeting(http.lab.server('pop3').port)).not.toContain('-ERR')
})

describe('the history', () => {
  const addCarol = set('/directory/accounts/-', { user: 'carol', password: 'carols-secret' })
  const history = async (http: HttpLab) => (await http.request('configuration/history')).body.items
  const undo = (http: HttpLab, id: string, json = {}) => http.request(`configuration/history/${id}/undo`, { json })

  it('lists who changed what, without secrets, and a dry run changes nothing', async () => {
    await using http = await start()
    await patch(http, 'configuration', { ...addCarol, dryRun: true })
    expect(await history(http)).toEqual([])
    await patch(http, 'configuration', addCarol)
    await patch(http, pop3, { port: 0, limits: { connections: 7 } })
    const items = await history(http)
    expect(items.map(({ id, via }: { id: string; via: string }) => [id, via])).toEqual([
      ['2', 'http'],
      ['1', 'http'],
    ])
    expect(items[1].diff).toContain('+    - { user: carol')
    expect(items[1].by).not.toBe('')
    expect(JSON.stringify(items)).not.toContain('secret')
  })

  it('undoes an earlier change with its secrets, and keeps later ones', async () => {
    await using http = await start()
    const written = content()
    await patch(http, 'configuration', remove('/directory/accounts/bob'))
    await patch(http, 'configuration', set('/virtualServers/pop3/limits/connections', 7))
    const dry = await undo(http, '1', { dryRun: true })
    expect(dry.body.diff).toContain("+    - { user: bob, password: '***' }")
    expect(content()).not.toContain('bob')
    expect((await undo(http, '1')).body.applied).toBe(true)
    expect(content()).toContain('{ user: bob, password: bobs-secret }')
    expect(content()).toContain('connections: 7')
    expect((await undo(http, '2')).status).toBe(200)
    expect(content()).toBe(written)
    const items = await history(http)
    expect(items.map(({ undoes }: { undoes: string | null }) => undoes)).toEqual(['2', '1', null, null])
    expect(items[3].undoneBy).toBe('3')
    expect(JSON.stringify(items)).not.toContain('bobs-secret')
  })

  it('refuses to undo a change whose lines have changed since, and unknown ones', async () => {
    await using http = await start()
    await patch(http, 'configuration', addCarol)
    await patch(http, 'configuration', set('/directory/accounts/carol/user', 'caroline'))
    const refused = await undo(http, '1')
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain('undo the later changes first')
    expect((await undo(http, '9')).status).toBe(404)
    const { body } = await http.request('configuration/history', { headers: bearer(reader) })
    expect(body.status).toBe(403)
  })

  it('stays with a store on disk', async () => {
    const kept = `store: { lmdb: ${join(folder, 'store')} }\n${text}`
    {
      await using http = await start(kept)
      await patch(http, 'configuration', addCarol)
    }
    await using http = await HttpLab.ofFile(file)
    expect((await history(http)).map(({ id }: { id: string }) => id)).toEqual(['1'])
    expect((await undo(http, '1')).status).toBe(200)
    expect(content()).toBe(kept)
  })
})

it('the history forgets its oldest changes', async () => {
  await using store = new MemoryStore({ clock: systemClock })
  const by = { name: 'lab.yaml', caller: { role: 'administrator', name: 'test' } } as const
  for (let n = 2; n < 104; n++) await recordChange(store, { before: 'a: 1\n', after: `a: ${n}\n`, ...by })
  const changes = await recordedChanges(store)
  expect([changes.length, changes[0]?.id, changes.at(-1)?.id]).toEqual([100, '102', '3'])
})
