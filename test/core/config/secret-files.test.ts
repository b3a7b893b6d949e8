import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { readEnvironment } from '../../../src/core/config/environment.ts'
import { loadText } from '../../../src/core/config/yaml.ts'
import { newFolder } from '../../support/folder.ts'

let folder: string
beforeAll(() => {
  folder = newFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
})

const files = {
  alice: 'secret of alice\n',
  relay: '  secret of the relay  \r\nanother line\n',
  token: 'a-token-of-the-lab\n',
  hook: `${'k'.repeat(40)}\n`,
  short: 'short\n',
  empty: '\nsecret in the second line\n',
}

const load = (text: string) => loadText(text, 'lab.yaml', folder, []).lab

describe('files of secrets', () => {
  test('hold the secrets of accounts, connectors, tokens, webhooks, feeds and OAuth 2.0 clients', () => {
    const lab = load(`
directory: { accounts: [{ user: alice, passwordFile: alice }, { user: bob, password: clear }] }
access:
  tokens: [{ name: ci, tokenFile: token }]
webhooks: [{ url: http://127.0.0.1:9/, secretFile: hook }]
oauth2: { clients: [{ clientId: app, clientSecretFile: alice }] }
outgoing:
  connectors:
    - { name: Out, smartHost: { host: relay.test, user: relay, passwordFile: relay } }
    - { name: In, domains: [a.test], smartHost: { host: relay.test, user: relay, accessTokenFile: token } }
virtualServers:
  - { protocol: smtp }
  - { protocol: nntp, feeds: [{ peer: localhost, user: sealpost, passwordFile: relay }] }
`)
    expect(lab.directory.accounts).toMatchObject([
      { user: 'alice', password: 'secret of alice', passwordFile: join(folder, 'alice') },
      { user: 'bob', password: 'clear' },
    ])
    expect(lab.access.tokens).toMatchObject([{ token: 'a-token-of-the-lab' }])
    expect(lab.webhooks).toMatchObject([{ secret: 'k'.repeat(40) }])
    expect(lab.oauth2.clients).toMatchObject([{ clientSecret: 'secret of alice' }])
    expect(lab.outgoing.connectors).toMatchObject([
      { smartHost: { password: 'secret of the relay' } },
      { smartHost: { accessToken: 'a-token-of-the-lab' } },
    ])
    expect(lab.virtualServers[1]?.feeds).toMatchObject([{ password: 'secret of the relay' }])
  })

  test.each([
    [
      'directory: { accounts: [{ user: alice, passwordFile: missing }] }',
      /^lab\.yaml:1:\d+: directory\.accounts\[0\]\.passwordFile: cannot read .*missing: no such file or folder; check the path$/,
    ],
    [
      'directory: { accounts: [{ user: alice, password: x, passwordFile: alice }] }',
      /^lab\.yaml:1:\d+: directory\.accounts\[0\]\.passwordFile: password is set too; keep one of them$/,
    ],
    [
      'directory: { accounts: [{ user: alice }] }',
      /^lab\.yaml:1:\d+: directory\.accounts\[0\]\.password: is missing; write password: TEXT, passwordFile: FILE or passwordHash: HASH$/,
    ],
    [
      'access: { tokens: [{ name: ci, tokenFile: empty }] }',
      /^lab\.yaml:1:\d+: access\.tokens\[0\]\.tokenFile: the first line of .*empty is empty; write the secret into it$/,
    ],
    [
      'access: { tokens: [{ name: ci, tokenFile: /dev/zero }] }',
      /^lab\.yaml:1:\d+: access\.tokens\[0\]\.tokenFile: cannot read \/dev\/zero: it is not a file; name a file$/,
    ],
    ['directory: { passwordFile: alice }', /^lab\.yaml:1:\d+: directory\.passwordFile: unknown key/],
  ])('%s is a mistake', (text, expected) => {
    expect(() => load(text)).toThrow(expected)
  })

  test('a secret that does not suit is a mistake in the file, and is not shown', () => {
    const text = 'access: { tokens: [{ name: ci, tokenFile: short }] }\nportOffset: -1'
    const failure = (): unknown => load(text)
    expect(failure).toThrow(
      /^lab\.yaml:1:\d+: access\.tokens\[0\]\.tokenFile: the first line of .*short .*\n.*portOffset/,
    )
    expect(failure).not.toThrow(/"short"/)
  })

  test('keep a key that is named like the prototype of objects', () => {
    const text = 'access: { tokens: [{ name: ci, tokenFile: token }] }\n__proto__: { domain: evil.test }\n'
    expect(() => load(text)).toThrow(/^lab\.yaml:2:1: __proto__: /)
  })
})

describe('SEALPOST_…_FILE', () => {
  const overridden = (environment: Record<string, string>) =>
    loadText('', 'lab.yaml', folder, readEnvironment(environment, folder).overrides).lab

  test('names a file with the value of the variable', () => {
    writeFileSync(join(folder, 'tokens.yaml'), '- { name: ci, tokenFile: token }\n')
    writeFileSync(join(folder, 'hostname'), 'mail.lab.test\n')
    const lab = overridden({
      SEALPOST_ACCESS_TOKENS_FILE: 'tokens.yaml',
      SEALPOST_HOSTNAME_FILE: join(folder, 'hostname'),
    })
    expect(lab).toMatchObject({
      hostname: 'mail.lab.test',
      access: { tokens: [{ name: 'ci', token: 'a-token-of-the-lab' }] },
    })
  })

  test('is refused beside the variable itself, and if it cannot be read', () => {
    expect(() => overridden({ SEALPOST_HOSTNAME: 'a.test', SEALPOST_HOSTNAME_FILE: 'hostname' })).toThrow(
      'SEALPOST_HOSTNAME and SEALPOST_HOSTNAME_FILE are both set; keep one of them',
    )
    expect(() => overridden({ SEALPOST_HOSTNAME_FILE: 'missing' })).toThrow(
      'SEALPOST_HOSTNAME_FILE: cannot read missing: no such file or folder; check the path',
    )
  })

  test('is known, so that there is no warning', () => {
    expect(readEnvironment({ SEALPOST_CONFIG_FILE: 'lab.yaml', SEALPOST_TOKEN_FILE: 'token' }, folder)).toEqual({
      overrides: [],
      deprecated: [],
      warnings: [],
    })
  })
})
