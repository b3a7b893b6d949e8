import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'

const plain = Buffer.from('\0alice\0secret').toString('base64')
const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'secret', sieve: 'keep;\n' },
  { user: 'carol', password: 'secret', state: 'locked' as const },
  { user: 'dave', password: 'secret', referral: 'imap://dave;AUTH=*@imap2.lab.test/' },
]
const settings = {
  directory: { accounts },
  mail: { sieve: { scripts: 3, scriptSize: 2000 } },
  virtualServers: [
    { protocol: 'managesieve' as const, port: 0, tlsPort: 0, authentication: ['basic' as const] },
    {
      name: 'TLS only',
      protocol: 'managesieve' as const,
      port: 0,
      authentication: ['basic-over-tls' as const, 'scram-sha-256' as const],
    },
  ],
}

let lab: TestLab
beforeAll(async () => {
  lab = await startLab(settings)
})
afterAll(() => lab.stop())

const isStatus = (line: string): boolean => /^(?:OK|NO|BYE)\b/.test(line)

async function ask(client: LineClient, command: string): Promise<string[]> {
  client.send(Buffer.from(`${command}\r\n`))
  return (await client.lines(isStatus)).map((line) => Buffer.from(line, 'latin1').toString())
}

async function connect(port = lab.server('managesieve').port as number): Promise<LineClient> {
  const client = await LineClient.open(port)
  await client.lines(isStatus)
  return client
}

async function logOn(user = 'alice'): Promise<LineClient> {
  const client = await connect()
  const initial = Buffer.from(`\0${user}\0secret`).toString('base64')
  expect(await ask(client, `AUTHENTICATE "PLAIN" "${initial}"`)).toEqual(['OK "Logged on."'])
  return client
}

const literal = (text: string): string => `{${Buffer.byteLength(text)}+}\r\n${text}`

describe('ManageSieve (RFC 5804)', () => {
  it('greets with its capabilities, and names the owner after the log-on (section 1.7)', async () => {
    const client = await LineClient.open(lab.server('managesieve').port as number)
    const greeting = await client.lines(isStatus)
    expect(greeting).toEqual([
      '"IMPLEMENTATION" "Sealpost"',
      expect.stringMatching(/^"SIEVE" "(?:.* )?fileinto(?: .*)?"$/),
      expect.stringMatching(/^"SASL" ".*PLAIN/),
      '"STARTTLS"',
      '"NOTIFY" "mailto"',
      '"MAXREDIRECTS" "4"',
      '"LANGUAGE" "en"',
      '"UNAUTHENTICATE"',
      '"VERSION" "1.0"',
      'OK "Sealpost ManageSieve server ready."',
    ])
    expect(await ask(client, `AUTHENTICATE "PLAIN" "${plain}"`)).toEqual(['OK "Logged on."'])
    const after = await ask(client, 'CAPABILITY')
    expect(after).toContain('"OWNER" "alice"')
    expect(after).not.toContain('"STARTTLS"')
    expect(await ask(client, 'STARTTLS')).toEqual(['NO "STARTTLS must come before the log-on."'])
    expect(await ask(client, 'UNAUTHENTICATE')).toEqual(['OK "Unauthenticate completed."'])
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['NO "Log on first."'])
    expect(await ask(client, 'LOGOUT')).toEqual(['OK "Logout completed."'])
    expect(await client.line()).toBeUndefined()
  })

  it('sends its capabilities again after STARTTLS, and needs TLS where passwords do (section 2.2)', async () => {
    const client = await connect(lab.server('TLS only').port as number)
    expect(await ask(client, `AUTHENTICATE "PLAIN" "${plain}"`)).toEqual([
      'NO (ENCRYPT-NEEDED) "A secure channel is required. Use STARTTLS first."',
    ])
    expect(await ask(client, 'STARTTLS')).toEqual(['OK "Begin TLS negotiation now."'])
    await client.startTls(lab.ca)
    const capabilities = await client.lines(isStatus)
    expect(capabilities).toContainEqual(expect.stringMatching(/^"SASL" ".*PLAIN/))
    expect(capabilities).not.toContain('"STARTTLS"')
    expect(capabilities.at(-1)).toBe('OK "TLS negotiation successful."')
    expect(await ask(client, 'STARTTLS')).toEqual(['NO "TLS is already active."'])
    client.destroy()
  })

  it('carries SASL in strings, with or without initial response, and masks them (section 2.1)', async () => {
    for (const dialog of [
      [`AUTHENTICATE "PLAIN"`, '""', `"${plain}"`],
      [`AUTHENTICATE "plain"`, '""', literal(plain)],
      [`AUTHENTICATE ${literal('PLAIN')} ${literal(plain)}`],
    ]) {
      const client = await connect()
      const [last = '', ...before] = [...dialog].reverse()
      for (const [command, challenge] of before.length > 0 ? [[dialog[0], dialog[1]]] : []) {
        client.send(`${command}\r\n`)
        expect(await client.line()).toBe(challenge)
      }
      expect(await ask(client, last)).toEqual(['OK "Logged on."'])
      client.destroy()
    }
    const client = await connect()
    for (const [response, answer] of [
      ['"*"', 'NO "Authentication cancelled."'],
      ['"?"', 'NO "The response is not a string of base64."'],
      ['bare', 'NO "The response is not a string of base64."'],
    ] as const) {
      client.send('AUTHENTICATE "PLAIN"\r\n')
      expect(await client.line()).toBe('""')
      expect(await ask(client, response)).toEqual([answer])
    }
    const wrong = Buffer.from('\0alice\0guess').toString('base64')
    expect((await ask(client, `AUTHENTICATE "PLAIN" "${wrong}"`))[0]).toMatch(/^NO "Logon failure: /)
    expect(await ask(client, 'AUTHENTICATE "NONE"')).toEqual(['NO "The mechanism is not offered."'])
    const carol = Buffer.from('\0carol\0secret').toString('base64')
    expect((await ask(client, `AUTHENTICATE "PLAIN" "${carol}"`))[0]).toMatch(/^NO \(TRYLATER\) "Logon failure: /)
    const dave = Buffer.from('\0dave\0secret').toString('base64')
    expect(await ask(client, `AUTHENTICATE "PLAIN" "${dave}"`)).toEqual([
      'BYE (REFERRAL "sieve://imap2.lab.test") "Use the server of the account."',
    ])
    const transcripts = JSON.stringify(lab.sessions())
    expect(transcripts).toContain('AUTHENTICATE \\"PLAIN\\" ')
    for (const secret of [plain, wrong, dave]) expect(transcripts).not.toContain(secret)
  })

  it('stores, lists, activates, renames, reads and deletes scripts (sections 2.5 to 2.12)', async () => {
    const client = await logOn()
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['OK "Listscripts completed."'])
    expect(await ask(client, 'HAVESPACE "one" 100')).toEqual(['OK "Putscript would succeed."'])
    expect(await ask(client, `PUTSCRIPT "one" ${literal('keep;\r\n')}`)).toEqual(['OK "Putscript completed."'])
    expect(await ask(client, 'PUTSCRIPT "zwei ü\\"" "discard;"')).toEqual(['OK "Putscript completed."'])
    expect(await ask(client, 'SETACTIVE "one"')).toEqual(['OK "Setactive completed."'])
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['"one" ACTIVE', '"zwei ü\\""', 'OK "Listscripts completed."'])
    expect(await ask(client, 'GETSCRIPT "one"')).toEqual(['{7}', 'keep;', '', 'OK "Getscript completed."'])
    expect(await ask(client, 'DELETESCRIPT "one"')).toEqual([expect.stringMatching(/^NO \(ACTIVE\) /)])
    expect(await ask(client, 'RENAMESCRIPT "one" "zwei ü\\""')).toEqual([
      expect.stringMatching(/^NO \(ALREADYEXISTS\) /),
    ])
    expect(await ask(client, 'RENAMESCRIPT "none" "more"')).toEqual([expect.stringMatching(/^NO \(NONEXISTENT\) /)])
    expect(await ask(client, `RENAMESCRIPT "one" ${literal('uno')}`)).toEqual(['OK "Renamescript completed."'])
    expect(await ask(client, 'LISTSCRIPTS')).toContain('"uno" ACTIVE')
    expect(await ask(client, 'SETACTIVE ""')).toEqual(['OK "Setactive completed."'])
    expect(await ask(client, 'DELETESCRIPT "uno"')).toEqual(['OK "Deletescript completed."'])
    for (const command of ['SETACTIVE', 'GETSCRIPT', 'DELETESCRIPT'])
      expect(await ask(client, `${command} "uno"`)).toEqual(['NO (NONEXISTENT) "There is no script \\"uno\\"."'])
    expect(await ask(client, 'DELETESCRIPT "zwei ü\\""')).toEqual(['OK "Deletescript completed."'])
    client.destroy()
  })

  it('refuses scripts with errors by line and column, and keeps the old one (sections 2.6 and 2.12)', async () => {
    const client = await logOn()
    const bad = 'keep;\r\nfileinto "x"'
    for (const command of [`CHECKSCRIPT ${literal(bad)}`, `PUTSCRIPT "bad" ${literal(bad)}`])
      expect((await ask(client, command))[0]).toMatch(/^NO "line \d+, column \d+: /)
    expect(await ask(client, 'CHECKSCRIPT "keep;"')).toEqual(['OK "The script is valid."'])
    client.send(Buffer.from('PUTSCRIPT "bad" {4+}\r\n#\xff\r\n\r\n', 'latin1'))
    expect(await client.lines(isStatus)).toEqual(['NO "The script is not UTF-8."'])
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['OK "Listscripts completed."'])
    client.destroy()
  })

  it('limits size, number and names of scripts (sections 1.5 and 1.6)', async () => {
    const client = await logOn()
    expect(await ask(client, 'HAVESPACE "big" 2001')).toEqual([expect.stringMatching(/^NO \(QUOTA\/MAXSIZE\) /)])
    const large = `${'#'.repeat(20_000)}\r\n`
    expect(await ask(client, `PUTSCRIPT "big" ${literal(large)}`)).toEqual([
      expect.stringMatching(/^NO \(QUOTA\/MAXSIZE\) /),
    ])
    for (const name of ['a', 'b', 'c'])
      expect(await ask(client, `PUTSCRIPT "${name}" ""`)).toEqual(['OK "Putscript completed."'])
    expect(await ask(client, 'PUTSCRIPT "a" "keep;"')).toEqual(['OK "Putscript completed."'])
    for (const command of ['HAVESPACE "d" 1', 'PUTSCRIPT "d" ""'])
      expect(await ask(client, command)).toEqual([expect.stringMatching(/^NO \(QUOTA\/MAXSCRIPTS\) /)])
    for (const name of ['', 'a\tb', 'a\u2028b', 'ü'.repeat(257)])
      expect(await ask(client, `RENAMESCRIPT "a" ${literal(name)}`)).toEqual([expect.stringMatching(/^NO "The name /)])
    const longest = '\u{1f4ec}'.repeat(128)
    expect(await ask(client, `RENAMESCRIPT "a" "${longest}"`)).toEqual(['OK "Renamescript completed."'])
    for (const name of [longest, 'b', 'c']) await ask(client, `DELETESCRIPT "${name}"`)
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['OK "Listscripts completed."'])
    client.destroy()
  })

  it('shows the script of the configuration, which clients cannot change', async () => {
    const client = await logOn('bob')
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['"configuration" ACTIVE', 'OK "Listscripts completed."'])
    expect(await ask(client, 'GETSCRIPT "configuration"')).toEqual(['{6}', 'keep;\n', 'OK "Getscript completed."'])
    expect(await ask(client, 'PUTSCRIPT "configuration" ""')).toEqual([expect.stringMatching(/^NO "The script /)])
    expect(await ask(client, 'PUTSCRIPT "own" ""')).toEqual(['OK "Putscript completed."'])
    expect(await ask(client, 'SETACTIVE "own"')).toEqual(['OK "Setactive completed."'])
    expect(await ask(client, 'DELETESCRIPT "configuration"')).toEqual([expect.stringMatching(/^NO "The script /)])
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['"configuration"', '"own" ACTIVE', 'OK "Listscripts completed."'])
    expect(await ask(client, 'SETACTIVE "configuration"')).toEqual(['OK "Setactive completed."'])
    expect(await ask(client, 'DELETESCRIPT "own"')).toEqual(['OK "Deletescript completed."'])
    client.destroy()
  })

  it('answers malformed commands, and reads their literals to the end (section 4)', async () => {
    const client = await logOn()
    for (const command of [
      'NONSENSE "a"',
      '',
      'NOOP  "a"',
      'NOOP "a" "b"',
      'NOOP "a',
      'NOOP "a\\b"',
      'NOOP 7',
      'NOOP "a"b',
      'HAVESPACE "a" 12345678901',
      'HAVESPACE "a" -1',
      'SETACTIVE atom',
      `NOOP "${'x'.repeat(1025)}"`,
      `NOOP ${literal('a')}"b"`,
      `NOOP "a" x ${literal('LOGOUT\r\n')}`,
      `LISTSCRIPTS ${literal('LOGOUT\r\n')}`,
      'PUTSCRIPT "a" {12}',
      'x'.repeat(20_000),
    ])
      expect(await ask(client, command), command).toEqual([expect.stringMatching(/^NO "/)])
    expect(await ask(client, `NOOP "${'x'.repeat(1024)}"`)).toEqual([`OK (TAG "${'x'.repeat(1024)}") "Done"`])
    expect(await ask(client, `noop ${literal('a\r\nb')}`)).toEqual(['OK (TAG {4}', 'a', 'b) "Done"'].slice(0, 1))
    client.destroy()
    // The content of the literal would be read as commands.
    const other = await connect()
    expect(await ask(other, `NOOP "${'x'.repeat(20_000)}" {10+}`)).toEqual(['BYE "Line too long."'])
    expect(await other.line()).toBeUndefined()
  })

  it('keeps no large literal of clients that have not logged on', async () => {
    const client = await connect()
    expect(await ask(client, `PUTSCRIPT "a" ${literal('#'.repeat(15_000))}`)).toEqual([
      expect.stringMatching(/^NO \(QUOTA\/MAXSIZE\) /),
    ])
    expect(await ask(client, 'PUTSCRIPT "a" ""')).toEqual(['NO "Log on first."'])
    expect(await ask(client, 'NOOP {99999999999+}')).toEqual([expect.stringMatching(/^BYE \(QUOTA\/MAXSIZE\) /)])
  })

  it('is stopped by faults, which name its commands', async () => {
    lab.faults.add({
      when: { protocol: 'managesieve', verb: 'PUTSCRIPT' },
      do: { reply: 'NO (TRYLATER) "Later"' },
      times: 1,
    })
    const client = await logOn()
    expect(await ask(client, 'PUTSCRIPT "a" "keep;"')).toEqual(['NO (TRYLATER) "Later"'])
    expect(await ask(client, 'LISTSCRIPTS')).toEqual(['OK "Listscripts completed."'])
    client.destroy()
  })
})
