import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { describe } from 'vitest'
import { ConfigError, startLab } from '../../src/testing/index.ts'
import { assertReceived } from '../../src/testing/runners/assertions.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'

/** Passes a value that the types refuse. */
const wrong = (value: unknown): never => value as never

describe('a mistyped argument is refused with its cure', () => {
  test.for([
    [{ subjct: /x/ }, 'filter.subjct: unknown key; did you mean subject?'],
    [
      { recipient: 'bob' },
      'filter.recipient: unknown key; known here: to, from, subject, text, folder, sentBy or matches',
    ],
    [{ to: 5 }, 'filter.to: is 5: must be a text or a regular expression'],
    [{ matches: 'yes' }, 'filter.matches: is "yes": must be a function'],
    [null, 'filter is empty; must be a mapping of to, from, subject, text, folder, sentBy, matches'],
  ] as const)('filter %j', async ([filter, message], { lab }) => {
    for (const { call, name } of [
      { call: () => lab.waitForMessage(wrong(filter)), name: 'waitForMessage' },
      { call: () => lab.waitForMessages(2, wrong(filter)), name: 'waitForMessages' },
      { call: () => lab.receives(wrong(filter)), name: 'receives' },
      { call: () => lab.messages(wrong(filter)), name: 'messages' },
      { call: () => lab.assertNothingSent(wrong(filter)), name: 'assertNothingSent' },
      { call: async () => expect(lab).toHaveReceived(wrong(filter)), name: 'receives' },
      { call: async () => expect(lab).not.toHaveReceived(wrong(filter)), name: 'messages' },
    ]) {
      await expect(call).rejects.toThrow(new TypeError(`${name}: ${message}`))
    }
  })

  const cure = 'leave the key out for any value, or correct the value'

  test.for([
    [{ to: undefined }, `filter.to: is undefined: ${cure}`],
    [{ subject: '' }, `filter.subject: is "": ${cure}`],
    [{ text: ' ' }, `filter.text: is " ": ${cure}`],
    [{ from: /(?:)/ }, `filter.from: is an object of the class RegExp: ${cure}`],
    [{ folder: '' }, `filter.folder: is "": ${cure}`],
    [{ matches: undefined }, 'filter.matches: is undefined: must be a function'],
    [{ matches: async () => true }, 'filter.matches: is a function: returns a promise; must return true or false'],
    ['', `filter.to: is "": ${cure}`],
    [undefined, 'filter is undefined: leave it out or write {} for any, or correct the value'],
  ] as const)('filter %j that any message would meet', async ([filter, message], { lab }) => {
    await lab.deliver({ subject: 'to somebody else' }, 'zoe')
    for (const { call, name } of [
      { call: () => lab.waitForMessage(wrong(filter)), name: 'waitForMessage' },
      { call: () => lab.waitForMessages(1, wrong(filter)), name: 'waitForMessages' },
      { call: () => lab.receives(wrong(filter)), name: 'receives' },
      { call: () => lab.messages(wrong(filter)), name: 'messages' },
      { call: () => lab.assertNothingSent(wrong(filter)), name: 'assertNothingSent' },
      { call: async () => expect(lab).toHaveReceived(wrong(filter)), name: 'receives' },
      { call: () => assertReceived(lab, wrong(filter)), name: 'receives' },
    ]) {
      await expect(call).rejects.toThrow(new TypeError(`${name}: ${message}`))
    }
  })

  test('a `matches` that returns a promise, whatever made the function', async ({ lab }) => {
    await lab.deliver({ subject: 'to somebody else' }, 'zoe')
    const matches = wrong(() => Promise.resolve(false))
    const message = 'filter.matches returned a promise; must return true or false'
    await expect(lab.waitForMessage({ matches })).rejects.toThrow(message)
    await expect(lab.messages({ matches })).rejects.toThrow(message)
    await createTransport(lab.nodemailer('alice')).verify()
    await expect(lab.waitForSession({ matches })).rejects.toThrow(message)
  })

  test('filters of sessions and of outgoing mail that all would meet', async ({ lab }) => {
    await expect(lab.waitForSession({ user: wrong(undefined) })).rejects.toThrow('filter.user: is undefined')
    await expect(lab.waitForSession({ refused: '' })).rejects.toThrow('filter.refused: is ""')
    await expect(lab.waitForSession(wrong(undefined))).rejects.toThrow('waitForSession: filter is undefined')
    await expect(lab.disconnect({ protocol: wrong(undefined) })).rejects.toThrow('filter.protocol: is undefined')
    await expect(lab.disconnect(wrong(undefined))).rejects.toThrow('disconnect: filter is undefined')
    await expect(lab.waitForSent({ to: '' })).rejects.toThrow('waitForSent: filter.to: is ""')
    await expect(lab.waitForFailed(wrong(undefined))).rejects.toThrow('waitForFailed: filter is undefined')
    await lab.deliver({}, 'bob')
    const mail = await lab.receives('bob')
    expect(() => expect(mail).toHaveBeenEncrypted({ version: wrong(undefined) })).toThrow('wish.version: is undefined')
    expect(() => expect(mail).toPassDkim({ domain: wrong(undefined) })).toThrow('wish.domain: is undefined')
  })

  test.for([
    [{ timeout: Number.POSITIVE_INFINITY }, 'options.timeout: is Infinity; must be a number from 0 to 2147483647'],
    [{ timeout: Number.NaN }, 'options.timeout: is NaN; must be a number from 0 to 2147483647'],
    [{ timeout: -1 }, 'options.timeout: is -1; must be a number from 0 to 2147483647'],
    [{ timeout: '5s' }, 'options.timeout: is "5s"; must be a number from 0 to 2147483647'],
    [{ timout: 5 }, 'options.timout: unknown key; did you mean timeout?'],
    [
      { signal: new AbortController() },
      'options.signal: is an object of the class AbortController: must be an AbortSignal',
    ],
    [5_000, 'options is 5000; must be a mapping of timeout, signal'],
  ] as const)('options %j', async ([options, message], { lab }) => {
    await expect(lab.waitForMessage({}, wrong(options))).rejects.toThrow(new TypeError(`waitForMessage: ${message}`))
    await expect(lab.waitForSession({}, wrong(options))).rejects.toThrow(new TypeError(`waitForSession: ${message}`))
    await expect(async () => expect(lab).toHaveReceived({}, wrong(options))).rejects.toThrow(message)
  })

  test('the configuration and the options of startLab', async () => {
    await expect(startLab(wrong(null))).rejects.toThrow(
      'startLab: config is empty: must be an object with keys of the configuration, or the path of a YAML file',
    )
    for (const config of [{ virtualServers: 5 }, { virtualServers: [null] }, { directory: 5 }])
      await expect(startLab(wrong(config))).rejects.toThrow(ConfigError)
    await expect(startLab({}, wrong({ logLevel: 'debug' }))).rejects.toThrow(
      'startLab: options.logLevel: is a key of the configuration: write it into the first argument, startLab({ logLevel: … })',
    )
    await expect(startLab({}, wrong({ clok: 1 }))).rejects.toThrow('options.clok: unknown key; did you mean clock?')
    await expect(startLab({}, wrong({ clock: 1 }))).rejects.toThrow(
      'options.clock: is 1: must be a clock with a method',
    )
  })

  test('messages to deliver, mailboxes and accounts', async ({ lab, tenant }) => {
    await expect(lab.deliver({}, wrong(undefined))).rejects.toThrow(
      'deliver: options is missing; must be a mapping of to, from',
    )
    await expect(lab.deliver({}, wrong({}))).rejects.toThrow(
      'options.to: is missing: must be a name or a list of names',
    )
    await expect(lab.deliver({}, [])).rejects.toThrow('options.to: is an empty list; name at least one')
    await expect(lab.deliver(wrong({ subjct: 'x' }), 'bob')).rejects.toThrow('did you mean subject?')
    await expect(lab.deliver(wrong(undefined), 'bob')).rejects.toThrow('deliver: message is missing; must be a mapping')
    await expect(tenant.deliver(wrong({ attachments: [{ filename: 'x' }] }), 'bob')).rejects.toThrow(
      'message.attachments[0].content: is missing: must be a text or a Buffer',
    )
    for (const [name, why] of [
      ['X-A: 1\r\nX-Injected', 'is not the name of a header field such as X-Campaign'],
      ['content-type', 'is made from the content of the message'],
    ] as const) {
      await expect(lab.deliver({ headers: { [name]: 'yes' } }, 'bob')).rejects.toThrow(why)
    }
    const withId = (cid: string) => lab.deliver({ attachments: [{ filename: 'x', content: 'x', cid }] }, 'bob')
    await expect(withId('a>\r\nX-Injected: yes')).rejects.toThrow('is not a Content-ID such as logo')
    await expect(lab.load('x', wrong({ usr: 'bob' }))).rejects.toThrow(
      'load: mailbox.usr: unknown key; did you mean user?',
    )
    await expect(lab.save('x', 'bob', wrong('mbx'))).rejects.toThrow(
      'is "mbx"; must be eml, maildir or mbox; did you mean',
    )
    expect(() => lab.nodemailer(wrong({ username: 'a', password: 'b' }))).toThrow('auth.user: is missing; must be text')
    expect(() => lab.imapflow(wrong(undefined))).toThrow('imapflow: auth is missing; must be a mapping of user, pass')
  })

  test('matchers on other values', async ({ lab }) => {
    await expect(async () => expect({}).toHaveReceived()).rejects.toThrow('takes a lab or a tenant')
    await lab.deliver({}, 'bob')
    expect(() => expect(lab.receives()).toHaveBeenEncrypted()).toThrow('is an await missing?')
    const mail = await lab.receives()
    expect(() => expect(mail).toHaveBeenEncrypted(wrong({ version: 'TLS1.3' }))).toThrow('did you mean TLSv1.3?')
  })

  test('names of tenants', ({ lab }) => {
    expect(() => lab.tenant('a b')).toThrow('"a b" cannot be the name of a tenant')
    expect(lab.tenant('w-1').name).toBe('w-1')
    expect(() => lab.tenant('w')).toThrow('tenant "w" cannot be told from tenant "w-1"')
  })
})

test('a field of a draft replaces the default one, whatever the case of its name', async () => {
  await using lab = await startLab()
  const headers = { 'message-id': '<own@shop.test>', DATE: 'Thu, 01 Jan 2026 00:00:00 +0000', 'x-a': 'yes' }
  await lab.deliver({ headers, subject: 'one', attachments: [{ filename: 'a\r\nX-B: yes', content: '' }] }, 'bob')
  const head = (await lab.receives('bob')).raw.toString().split('\r\n\r\n')[0] ?? ''
  const names = head.split(/\r\n(?!\s)/).map((line) => line.split(':')[0]?.toLowerCase())
  expect(names.sort()).toEqual(['content-type', 'date', 'from', 'message-id', 'mime-version', 'subject', 'to', 'x-a'])
  expect(head).toContain('<own@shop.test>')
})

test('a string names a recipient or an account everywhere', async () => {
  await using lab = await startLab()
  const tenant = lab.tenant()
  await lab.deliver({ subject: 'one' }, 'bob')
  await lab.deliver({ subject: 'two' }, ['bob@lab.test', 'carol'])
  expect((await lab.waitForMessage('bob@lab.test')).subject).toBe('one')
  expect((await lab.waitForMessage('bob')).subject).toBe('two')
  expect(await lab.messages('carol')).toHaveLength(1)
  await expect(lab).toHaveReceived('carol')
  expect(lab.nodemailer('bob').auth).toEqual({ user: 'bob', pass: 'secret' })
  expect(lab.imapflow('bob@lab.test').auth).toEqual({ user: 'bob', pass: 'secret' })
  expect(await lab.expunge('bob')).toEqual([1, 2])
  await tenant.deliver({ subject: 'three' }, tenant.address('bob'))
  expect((await tenant.waitForMessage('bob')).envelope.to).toEqual([tenant.address('bob')])
  await expect(tenant.waitForMessage('bob@lab.test')).rejects.toThrow(
    `bob@lab.test is no address of tenant ${tenant.name}, so it can have no mail for it. Write 'bob'`,
  )
})

test('a name of a listed account gives its password', async () => {
  await using lab = await startLab({ directory: { accounts: [{ user: 'alice', password: 'pa55' }] } })
  expect(lab.nodemailer('alice').auth).toEqual({ user: 'alice', pass: 'pa55' })
  const transport = createTransport(lab.nodemailer('alice@lab.test'))
  await expect(transport.verify()).resolves.toBe(true)
  expect(() => lab.nodemailer('alcie')).toThrow('nodemailer: no account "alcie"; did you mean alice?')
})

test('certificates stay in memory, whatever their keys', async () => {
  const folder = join(process.cwd(), 'certs')
  const before = existsSync(folder)
  await using lab = await startLab({ certificates: { key: 'p384' } })
  expect(new X509Certificate(lab.ca).publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' })
  expect(existsSync(folder)).toBe(before)
})
