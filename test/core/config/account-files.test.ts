import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/core/config/mistakes.ts'
import { loadText } from '../../../src/core/config/yaml.ts'
import { newFolder } from '../../support/folder.ts'

const folder = newFolder()

const load = (yaml: string) => loadText(yaml, 'lab.yaml', folder).lab

/** Loads a lab with one file of accounts. */
function accountsOf(text: string | Buffer, format?: string) {
  writeFileSync(join(folder, 'users'), text)
  return load(`directory: { accountFiles: [{ file: users${format ? `, format: ${format}` : ''} }] }`).directory.accounts
}

/** Returns the mistakes of a file, without the place in the YAML. */
function mistakesOf(text: string | Buffer, format?: string): string[] {
  try {
    accountsOf(text, format)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    const prefix = 'lab.yaml:1:37: directory.accountFiles[0].file: '
    return (error as ConfigError).mistakes.map((one) => one.replace(prefix, '').replaceAll(`${folder}/`, ''))
  }
  return []
}

describe('accounts of files', () => {
  test.each([
    [
      'htpasswd',
      '# comment\nalice:secret\r\n\nbob:{PLAIN}ge:heim\n',
      [
        ['alice', 'secret'],
        ['bob', 'ge:heim'],
      ],
    ],
    ['htpasswd', '\uFEFFalice:sécret', [['alice', 'sécret']]],
    [
      'dovecot',
      'alice:{PLAIN}secret:1000:1000::/home/alice::userdb_x=y\nbob:{clear}b\n',
      [
        ['alice', 'secret'],
        ['bob', 'b'],
      ],
    ],
    [
      'greenmail',
      'alice:secret,bob:geheim\n',
      [
        ['alice', 'secret'],
        ['bob', 'geheim'],
      ],
    ],
    ['greenmail', 'alice:secret@lab.test', [['alice', 'secret']]],
    [
      'greenmail',
      'greenmail.setup.test.all\n-Dgreenmail.users=alice:secret, bob:b@x.test,\n',
      [
        ['alice', 'secret'],
        ['bob', 'b'],
      ],
    ],
  ])('of the format %s are recognized: %j', (format, text, expected) => {
    for (const named of [undefined, format])
      expect(accountsOf(text, named).map(({ user, password }) => [user, password])).toEqual(expected)
  })

  test('keep their addresses, and Dovecot’s nologin', () => {
    expect(accountsOf('alice:a@other.test,bob:b,carol@lab.test:c@x.test')).toMatchObject([
      { user: 'alice', addresses: ['alice@other.test'] },
      { user: 'bob', addresses: ['bob@lab.test'] },
      { user: 'carol@lab.test', addresses: ['carol@x.test'] },
    ])
    expect(accountsOf('alice:{PLAIN}a:::::: allow_nets=::1 nologin\nbob:{PLAIN}b')).toMatchObject([
      { user: 'alice', state: 'disabled', origin: { file: join(folder, 'users'), line: 1 } },
      { user: 'bob' },
    ])
  })

  test('come after those of the configuration, and can be named there', () => {
    writeFileSync(join(folder, 'users'), 'alice:secret\n')
    const { directory } = load(
      'access:\n  administrators: [alice]\ndirectory: { accounts: [{ user: bob, password: b, delegates: [alice] }], accountFiles: [{ file: users }] }',
    )
    expect(directory.accounts.map(({ user }) => user)).toEqual(['bob', 'alice'])
    expect(directory.accountFiles).toEqual([{ file: join(folder, 'users') }])
  })

  test.each([
    ['alice', undefined, ['users:1: is not USER:PASSWORD']],
    [
      'x:y\nalice:\n:x\na\\b:c\n',
      'htpasswd',
      [
        'users:2: has no password',
        'users:3: has no user name',
        'users:4: the user name is not one of 1 to 255 characters without backslashes and control characters',
      ],
    ],
    ['a:{PLAIN}x::::::nopassword', undefined, ['users:1: nopassword is not supported: every account needs a password']],
    ['a:b@c.test,d:e@f@g', 'greenmail', ['users:1: is not LOGIN:PASSWORD@DOMAIN; a password cannot contain : or @']],
    ['a:b\nA:c\n', undefined, ['users:2: A is listed twice; remove one']],
    [Buffer.from('caf\xe9:x', 'latin1'), undefined, ['users is not UTF-8; save it as UTF-8']],
    [
      Array.from({ length: 30 }, () => 'x').join('\n'),
      'htpasswd',
      [
        ...Array.from({ length: 20 }, (_, n) => `users:${n + 1}: is not USER:PASSWORD`),
        'users: 10 more mistakes; check format and file',
      ],
    ],
  ])('with a mistake are reported with file and line: %j', (text, format, expected) => {
    expect(mistakesOf(text, format)).toEqual(expected)
  })

  test('are reported together with the mistakes of the YAML', () => {
    writeFileSync(join(folder, 'users'), 'alice:secret\n')
    const yaml = `directory:
  accounts: [{ user: alice, password: x }]
  accountFiles:
    - { file: users }
    - { file: missing }
    - { file: users, format: shadow }
    - { file: . }
`
    expect(() => load(yaml)).toThrow(
      [
        `lab.yaml:4:15: directory.accountFiles[0].file: ${folder}/users:1: alice is listed twice; remove one`,
        `lab.yaml:5:15: directory.accountFiles[1].file: cannot read ${folder}/missing: no such file or folder; check the path`,
        'lab.yaml:6:30: directory.accountFiles[2].format: is "shadow"; must be htpasswd, dovecot or greenmail',
        `lab.yaml:7:15: directory.accountFiles[3].file: cannot read ${folder}: it is not a file; name a file`,
      ].join('\n'),
    )
  })

  test('with hashes make methods that need the password useless, which is a warning', () => {
    const scram =
      '{SCRAM-SHA-256}4096,MM6IOquz7hAdSpzo5fsAkw==,kUXFe0LdmUBGUg6CsdynDvBwFLzvmp8Zi+//ITTHBNw=,rWrqgFPju0b7CGmzkrEfHWLxgr6jOTTPGwgKXfRrqZc='
    const methods = (users: string) => {
      writeFileSync(join(folder, 'users'), users)
      const authentication = '[basic, cram-md5, scram-sha-256, ntlm]'
      const yaml = `directory: { accountFiles: [{ file: users }] }\nvirtualServers: [{ protocol: imap4, authentication: ${authentication} }]`
      return loadText(yaml, 'lab.yaml', folder).warnings
    }
    const warning = (names: string, user: string) =>
      `lab.yaml:2:53: virtualServers[0].authentication: ${names}: not offered, because only a hash of the password of ${user} is known; remove the methods, or give its password`
    expect(methods('alice:secret')).toEqual([])
    expect(methods(`alice:secret\nbob:${scram}`)).toEqual([warning('cram-md5, ntlm', 'bob')])
    expect(methods(`alice:{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=\nbob:${scram}`)).toEqual([
      warning('cram-md5, scram-sha-256, ntlm', 'alice'),
    ])
  })

  test.each([
    [
      "{ user: a, password: x, passwordHash: '{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=' }",
      /passwordHash: password is set too; keep one of them$/,
    ],
    [
      '{ user: a, passwordHash: secret }',
      /^lab\.yaml:1:50: directory\.accounts\[0\]\.passwordHash: is not valid: is no hash; write \{PLAIN\} before a password in clear text$/,
    ],
    [
      '{ user: a, passwordHash: $6$x }',
      /^lab\.yaml:1:50: directory\.accounts\[0\]\.passwordHash: is not valid: the SHA-crypt hash is damaged/,
    ],
  ])('a wrong passwordHash is a mistake: %s', (account, message) => {
    expect(() => load(`directory: { accounts: [${account}] }`)).toThrow(message)
  })
})
