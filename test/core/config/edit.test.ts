import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ConfigChange, editYaml } from '../../../src/core/config/edit/edit-yaml.ts'
import { textWithoutSecrets } from '../../../src/core/config/secrets.ts'
import { loadText } from '../../../src/core/config/yaml.ts'
import { isThorough } from '../../support/thorough.ts'
import { diff } from '../texts.ts'

const set = (path: string, value: unknown): ConfigChange => ({ op: 'set', path, value })
const remove = (path: string): ConfigChange => ({ op: 'remove', path })

/** Returns the lines that changes remove and add. */
function changed(text: string, ...changes: ConfigChange[]): string[] {
  const lines = diff(text, editYaml(text, 'lab.yaml', changes).text)
    .split('\n')
    .slice(2)
  return lines.filter((line) => /^[-+]/.test(line))
}

const refused =
  (text: string, ...changes: ConfigChange[]) =>
  () =>
    editYaml(text, 'lab.yaml', changes)

describe('a change in a file', () => {
  const folder = new URL('../../../config/', import.meta.url)
  it.each(readdirSync(folder).filter((name) => name.endsWith('.yaml') && (isThorough || name !== 'badmail.yaml')))(
    'of the package, %s, touches nothing else',
    (name) => {
      const text = readFileSync(new URL(name, folder), 'utf8')
      expect(changed(text, set('domain', 'other.test')).filter((line) => !line.includes('domain:'))).toEqual([])
      const added = changed(text, set('virtualServers[-]', { name: 'Other', protocol: 'pop3', port: 4110 }))
      expect(added.every((line) => line.startsWith('+'))).toBe(true)
      expect(added.join('\n')).toMatch(/name: Other/)
      const account = changed(text, set('directory.accounts[-]', { user: 'carol', password: 'other' }))
      expect(account.every((line) => line.startsWith('+'))).toBe(true)
      const carol = editYaml(text, name, [set('directory.accounts[-]', { user: 'carol', password: 'other' })])
      expect(loadText(carol.text, name, '/').lab.directory.accounts.map(({ user }) => user)).toContain('carol')
    },
  )

  const text = [
    '# The lab.',
    'domain: lab.test    # of the accounts',
    'directory:',
    '    accounts:',
    "    -   {user: alice,   password: 'secret'}   # an administrator",
    '    - user: bob # no administrator',
    '      password: secret',
    '',
    '',
    '# News',
    'newsgroups: [{ name: lab.general }]',
    '',
  ].join('\n')

  it('keeps comments, quotes, spaces, indentation and empty lines elsewhere', () => {
    expect(changed(text, set('/directory/accounts/bob/password', 'new'))).toEqual([
      '-      password: secret',
      '+      password: new',
    ])
    expect(changed(text, remove('directory.accounts[1]'))).toEqual([
      '-    - user: bob # no administrator',
      '-      password: secret',
    ])
    expect(
      changed(text, set('directory.accounts[-]', { user: 'carol', password: 'x', addresses: ['c@lab.test'] })),
    ).toEqual(['+    - user: carol', '+      password: x', '+      addresses: [c@lab.test]'])
    expect(changed(text, set('/newsgroups/0/description', 'Talk: all'))).toEqual([
      '-newsgroups: [{ name: lab.general }]',
      '+newsgroups: [{ name: lab.general, description: "Talk: all" }]',
    ])
  })

  it('keeps line ends and a byte order mark', () => {
    const crlf = `\uFEFF${text.replaceAll('\n', '\r\n')}`
    const { text: edited } = editYaml(crlf, 'lab.yaml', [set('hostname', 'mail.lab.test')])
    expect(edited).toBe(`${crlf}hostname: mail.lab.test\r\n`)
  })

  it('adds to the default of a list that is not set', () => {
    expect(editYaml('', 'lab.yaml', [set('virtualServers[-]', { protocol: 'http' })]).text).toBe(
      'virtualServers:\n  - protocol: smtp\n  - protocol: pop3\n  - protocol: imap4\n  - protocol: nntp\n  - protocol: http\n',
    )
    expect(
      changed('virtualServers:\n  - protocol: smtp\n', set('virtualServers.smtp.authentication[-]', 'basic')),
    ).toEqual(['+    authentication: [anonymous, basic, basic]'])
  })

  it('stands before comments that belong to what follows', () => {
    const commented = 'directory:\n  accounts:\n    - user: bob\n      # password: x\n\n# Next\ndomain: lab.test\n'
    expect(editYaml(commented, 'lab.yaml', [set('directory.accounts[-]', { user: 'carol' })]).text).toBe(
      'directory:\n  accounts:\n    - user: bob\n      # password: x\n    - user: carol\n\n# Next\ndomain: lab.test\n',
    )
  })

  it('takes names and positions of items, in two notations', () => {
    const servers =
      'virtualServers:\n  - { protocol: smtp }\n  - { protocol: smtp, name: Second }\n  - { protocol: pop3 }\n'
    for (const path of ['virtualServers[1].port', 'virtualServers.second.port', '/virtualServers/Second/port']) {
      expect(changed(servers, set(path, 2525))[1]).toBe('+  - { protocol: smtp, name: Second, port: 2525 }')
    }
    for (const path of ['virtualServers.pop3.port', '/virtualServers/default-pop3-virtual-server/port']) {
      expect(changed(servers, set(path, 1110))[1]).toBe('+  - { protocol: pop3, port: 1110 }')
    }
    expect(refused(servers, set('virtualServers.smtp.port', 25))).toThrow('has 2 items with protocol smtp; name one: ')
    expect(refused(servers, set('virtualServers.secnod.port', 25))).toThrow('has no item secnod; did you mean Second?')
    expect(refused(servers, set('virtualServers.7.port', 25))).toThrow('has 3 items, counted from 0')
    expect(refused(servers, set('virtualServers[', 25))).toThrow('is not a path')
    expect(refused(servers, remove('hostname'))).toThrow('lab.yaml:1:1: hostname: is not set in this file')
    expect(refused('store: memory\n', set('store.memory', 1))).toThrow('lab.yaml:1:8: store: is not a mapping or list')
  })
})

describe('anchors, aliases and merge keys', () => {
  const text = [
    'x-strict: &strict { connections: 5 } # for all',
    'x-base: &base',
    '  requireSecureChannel: true',
    '  limits: *strict',
    'virtualServers:',
    '  - <<: *base',
    '    protocol: smtp',
    '  - { protocol: pop3, limits: *strict }',
    '  - { protocol: imap4, limits: &own { recipients: 7 } }',
    '  - { protocol: nntp, limits: *own }',
    '',
  ].join('\n')

  it('are kept where the change has one meaning', () => {
    expect(changed(text, set('virtualServers.smtp.requireSecureChannel', false))).toEqual([
      '+    requireSecureChannel: false',
    ])
    expect(changed(text, set('virtualServers.pop3.limits', { connections: 3 }))[1]).toBe(
      '+  - { protocol: pop3, limits: { connections: 3 } }',
    )
    expect(changed(text, set('x-strict.connections', 9))[1]).toBe('+x-strict: &strict { connections: 9 } # for all')
  })

  it.each([
    [
      set('virtualServers.smtp.limits.connections', 3),
      'lab.yaml:4:11: virtualServers[0].limits: comes from a merge key (<<)',
    ],
    [
      remove('virtualServers.smtp.limits'),
      'lab.yaml:4:11: virtualServers[0].limits: comes from a merge key (<<); remove it there',
    ],
    [
      set('virtualServers.pop3.limits.connections', 3),
      'virtualServers[1].limits: is an alias of &strict in lab.yaml:1:19; change that',
    ],
    [
      set('virtualServers.imap4.limits.recipients', 3),
      'virtualServers[2].limits.recipients: is also used by an alias elsewhere',
    ],
    [remove('virtualServers.imap4'), 'lab.yaml:10:31: needs the anchor &own, which the change removes'],
  ] as const)('otherwise the change is refused: %j', (change, why) => {
    expect(refused(text, change)).toThrow(why)
  })
})

it('a text without secrets has the same lines', () => {
  const shown = textWithoutSecrets(
    `x-account: &account { user: alice, password: one-secret }\nx-old: { token: old-secret }\ndirectory:\n  accounts:\n    - *account\n    - user: bob\n      password: |\n        two\n        secret\ntokens: [{ name: ci, token: "four-secret" }]\n`,
    'lab.yaml',
  )
  expect(shown.match(/secret/g)).toBe(null)
  expect(shown.split('\n')).toHaveLength(11)
  expect(shown).toContain("tokens: [{ name: ci, token: '***' }]")
})
