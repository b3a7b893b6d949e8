import { expect, test } from 'vitest'
import { loadObject } from '../../src/config/load.ts'
import { ConfigError } from '../../src/config/mistakes.ts'
import { loadText } from '../../src/config/yaml.ts'

/** The lines of complaint about a YAML text. */
function complaints(yaml: string): readonly string[] {
  return caught(() => loadText(yaml, 'lab.yaml', '/labs'))
}

function caught(run: () => unknown): readonly string[] {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes
    throw error
  }
  return []
}

test('a good file has no mistakes', () => {
  expect(complaints('virtualServers: [{ protocol: smtp }]')).toEqual([])
  expect(complaints('')).toEqual([])
})

test('all mistakes are told at once, in the order of the file, each with its place and the way out', () => {
  const yaml = `hostnam: x
portOffset: many
directory:
  mode: opn
  accounts:
    - user: alice
    - { user: bob, password: 3 }
virtualServers:
  - protocol: smtpp
  - protocol: smtp
  - protocol: smtp
    port: 99999
    requireSecureChannel: true
    certificate: none
    limits: { idleTimeout: 10 minutes, messageSize: true }
`
  expect(complaints(yaml)).toEqual([
    'lab.yaml:1:1: hostnam: unknown key; did you mean hostname?',
    'lab.yaml:2:13: portOffset: is "many"; must be a whole number from 0 to 60000',
    'lab.yaml:4:9: directory.mode: is "opn"; must be listed or open; did you mean open?',
    'lab.yaml:6:7: directory.accounts[0].password: is missing; must be a text',
    'lab.yaml:7:30: directory.accounts[1].password: is 3; must be a text',
    'lab.yaml:9:15: virtualServers[0].protocol: is "smtpp"; must be smtp, pop3, imap4 or nntp; did you mean smtp?',
    'lab.yaml:11:5: virtualServers[2].name: is missing, and the default "Default SMTP Virtual Server" is already the name of virtualServers[1]; name one of the two',
    'lab.yaml:12:11: virtualServers[2].port: is 99999; must be off or a whole number from 0 to 65535',
    'lab.yaml:13:27: virtualServers[2].requireSecureChannel: is true, but certificate: none leaves nothing to encrypt with; write certificate: auto (or assigned, or a name), or requireSecureChannel: false',
    'lab.yaml:15:28: virtualServers[2].limits.idleTimeout: is "10 minutes": write a time as 500ms, 30s, 10m, 1h or 2d',
    'lab.yaml:15:53: virtualServers[2].limits.messageSize: is true: write a size as 4096KB, 25MiB or 1GB',
  ])
})

test('a mistake inside an alternative is told where it is', () => {
  expect(complaints('certificates: { store: 3, kay: p256 }')).toEqual([
    'lab.yaml:1:24: certificates.store: is 3; must be a text',
    'lab.yaml:1:27: certificates.kay: unknown key; did you mean key?',
  ])
  expect(complaints('store: disk')).toEqual([
    'lab.yaml:1:8: store: is "disk"; must be memory, a mapping of memory or a mapping of lmdb',
  ])
})

test('an unknown key that resembles none names those there are', () => {
  expect(complaints('virtualServers: [{ protocol: smtp, tls: { zzz: 1 } }]')).toEqual([
    'lab.yaml:1:43: virtualServers[0].tls.zzz: unknown key; known here: minVersion, maxVersion, ciphers, ocspStapling, legacy or strength',
  ])
})

test.each([
  ['a: [1\nb: {', ['lab.yaml:2:1: YAML: ', 'lab.yaml:2:5: YAML: ']],
  ['hostname: a\nhostname: b', ['lab.yaml:2:1: YAML: Map keys must be unique']],
  ['hostname: *nowhere', ['lab.yaml:1:11: YAML: ']],
  ['hostname: a\n---\nhostname: b', ['lab.yaml:2:1: YAML: ']],
  ['- 1', ['lab.yaml:1:1: is a list; must be a mapping of hostname']],
])('errors of syntax have their place: %j', (yaml, starts) => {
  const found = complaints(yaml)
  expect(found.map((line, index) => line.slice(0, starts[index]?.length))).toEqual(starts)
})

test('places are right through anchors and aliases', () => {
  const yaml = `virtualServers:
  - protocol: pop3
    tls: &old
      minVersion: TLSv0
  - protocol: imap4
    tls: *old
`
  const wrong = 'is "TLSv0"; must be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3; did you mean TLSv1?'
  expect(complaints(yaml)).toEqual([
    `lab.yaml:4:19: virtualServers[0].tls.minVersion: ${wrong}`,
    `lab.yaml:4:19: virtualServers[1].tls.minVersion: ${wrong}`,
  ])
})

test('objects go through the same checks, told by path alone', () => {
  const wrong = { virtualServers: [{ protocol: 'nntp' as const, requireSecureChannel: true }], portOfset: 1 }
  expect(caught(() => loadObject(wrong, '/'))).toEqual([
    'portOfset: unknown key; did you mean portOffset?',
    'virtualServers[0].requireSecureChannel: an NNTP virtual server has no such setting (nor had it in Exchange); close its clear-text port instead: port: off',
  ])
})
