import type { FaultInput } from '../../core/config/schema/fault.ts'
import { type DefectName, defectNames, type ServerProtocol, variantNames } from '../../core/config/schema.ts'
import { defectRecipes, variantRecipes } from '../../tls/pki/defects/recipes.ts'
import type { BadServer, Expectation } from './types.ts'

/** The domain of the host names. Names below `localhost` resolve to this machine, if at all (RFC 6761 section 6.3). */
export const BAD_DOMAIN = 'badmail.localhost'

export const hostnameOf = (name: string): string => `${name}.${BAD_DOMAIN}`

/** The defects that a client must refuse, and those that a careful client refuses. The others are acceptable. */
const expectations: Partial<Record<DefectName, Expectation>> = {
  expired: 'refuse',
  'not-yet-valid': 'refuse',
  'wrong-host': 'refuse',
  'self-signed': 'refuse',
  'untrusted-root': 'refuse',
  'incomplete-chain': 'refuse',
  revoked: 'careful',
  'no-san': 'careful',
  'weak-key': 'careful',
  'weak-key-512': 'refuse',
  'sha1-signature': 'refuse',
  'md5-signature': 'refuse',
  'wrong-purpose': 'refuse',
  'ca-as-leaf': 'careful',
  'name-constraint-violated': 'refuse',
  'ip-only': 'refuse',
  'must-staple-without-staple': 'careful',
}

const ofDefects: readonly BadServer[] = defectNames.map((name) => ({
  name,
  meaning: defectRecipes[name].meaning,
  expectation: expectations[name] ?? 'accept',
  settings: { certificate: { defect: name, hostname: hostnameOf(name) } },
  ...(name === 'wildcard' ? { needsOwnName: true } : {}),
}))

const ofVariants: readonly BadServer[] = variantNames.map((name) => ({
  name,
  meaning: variantRecipes[name].meaning,
  expectation: 'accept',
  settings: { certificate: { variant: name, hostname: hostnameOf(name) } },
}))

const goodServer = (name: string) => ({ certificate: { variant: 'rsa', hostname: hostnameOf(name) } }) as const
const startTls = (protocol: ServerProtocol): string => (protocol === 'pop3' ? 'STLS' : 'STARTTLS')

/** HTTP has no STARTTLS. */
const refusals: Readonly<Record<ServerProtocol, string>> = {
  smtp: '454 4.7.0 TLS not available due to temporary reason',
  pop3: '-ERR TLS not available due to temporary reason',
  imap4: 'NO TLS not available due to temporary reason',
  nntp: '580 Can not initiate TLS negotiation',
  lmtp: '454 4.7.0 TLS not available due to temporary reason',
  managesieve: 'NO "TLS not available due to temporary reason"',
  http: '',
}

const injectedMail = [
  '250-badmail.localhost',
  '250 AUTH PLAIN LOGIN',
  '235 2.7.0 injected',
  '250 2.1.0 injected',
  '250 2.1.5 injected',
  '354 injected',
  '250 2.0.0 injected',
  '221 2.0.0 injected',
]
/** Replies for the rest of a short session, sent before TLS begins. */
const injected: Readonly<Record<ServerProtocol, readonly string[]>> = {
  smtp: injectedMail,
  pop3: ['+OK injected', '+OK injected', '+OK 0 0', '+OK injected', '.', '+OK injected', '+OK injected'],
  imap4: [
    '* CAPABILITY IMAP4rev1 AUTH=PLAIN',
    '{tag+1} OK injected',
    '{tag+2} OK injected',
    '{tag+3} OK injected',
    '{tag+4} OK injected',
    '* BYE injected',
    '{tag+5} OK injected',
  ],
  nntp: ['200 injected', '281 injected', '211 0 0 0 lab.general', '205 injected'],
  lmtp: injectedMail,
  managesieve: ['"SASL" "PLAIN"', ...Array<string>(5).fill('OK "injected"')],
  http: [],
}

const oddities: readonly BadServer[] = [
  {
    name: 'tls-1.0-only',
    meaning: 'It supports TLS 1.0 and nothing newer, which RFC 8996 forbids.',
    expectation: 'refuse',
    settings: { ...goodServer('tls-1.0-only'), tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1' } },
  },
  {
    name: 'tls-1.2-only',
    meaning: 'Good: TLS 1.2 only.',
    expectation: 'accept',
    settings: { ...goodServer('tls-1.2-only'), tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } },
  },
  {
    name: 'tls-1.3-only',
    meaning: 'Good: TLS 1.3 only.',
    expectation: 'accept',
    settings: { ...goodServer('tls-1.3-only'), tls: { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } },
  },
  {
    name: 'null-suites',
    meaning: 'It supports only cipher suites without encryption.',
    expectation: 'refuse',
    settings: {
      ...goodServer('null-suites'),
      tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'NULL-SHA256:NULL-SHA:@SECLEVEL=0' },
    },
  },
  {
    name: 'starttls-fails',
    meaning: 'It announces STARTTLS but refuses it.',
    expectation: 'refuse',
    settings: goodServer('starttls-fails'),
    forms: ['starttls'],
    faults: (protocol) => [{ when: { verb: startTls(protocol) }, do: { reply: refusals[protocol] } }],
  },
  {
    name: 'starttls-stripped',
    meaning: 'It does not announce STARTTLS, as if an attacker had removed it.',
    expectation: 'refuse',
    settings: { certificate: 'none' },
    forms: ['starttls'],
  },
  {
    name: 'starttls-injection',
    meaning: 'It sends the replies to later commands before TLS begins, and nothing under TLS.',
    expectation: 'refuse',
    settings: goodServer('starttls-injection'),
    proof: 'injected replies',
    forms: ['starttls'],
    faults: (protocol) => [
      { when: { verb: startTls(protocol) }, do: { inject: [...injected[protocol]] } },
      { when: { on: 'command', tls: true }, do: { silence: true } },
    ],
  },
  {
    name: 'preauth',
    meaning: 'It greets with PREAUTH in clear text, after which STARTTLS is not possible (RFC 9051 section 7.1.4).',
    expectation: 'refuse',
    settings: goodServer('preauth'),
    protocols: ['imap4'],
    forms: ['starttls'],
    faults: () => preauth,
  },
  {
    name: 'slow-handshake',
    meaning: 'Good, but the handshake begins after two seconds.',
    expectation: 'accept',
    settings: goodServer('slow-handshake'),
    faults: () => [{ when: { on: 'handshake' }, do: { delay: '2s' } }],
  },
  {
    name: 'handshake-alert',
    meaning: 'It ends the handshake with an alert (handshake_failure).',
    expectation: 'refuse',
    settings: goodServer('handshake-alert'),
    faults: () => [{ when: { on: 'handshake' }, do: { abortHandshake: 40 } }],
  },
]

/** Faults of a server that is already logged on: every command works except STARTTLS. */
const preauth: readonly FaultInput[] = [
  { when: { on: 'connect' }, do: { greeting: '* PREAUTH [CAPABILITY IMAP4rev1] welcome back' } },
  { when: { verb: 'STARTTLS' }, do: { reply: 'BAD not now' } },
  { when: { verb: 'SELECT', tls: false }, do: { reply: ['* 0 EXISTS', '* FLAGS ()', '{tag} OK [READ-WRITE] done'] } },
  {
    when: { matching: '^\\S+ (LOGIN|AUTHENTICATE|EXAMINE|LIST|STATUS|UID|FETCH|SEARCH|CLOSE|APPEND)', tls: false },
    do: { reply: 'OK done' },
  },
]

/** The good server of the control run. */
export const controlServer: BadServer = {
  name: 'control',
  meaning: 'Good: the server that a client must accept before it is judged.',
  expectation: 'accept',
  settings: goodServer('control'),
}

/** All servers of the audit and of `config/badmail.yaml`, the good ones included. */
export const badServers: readonly BadServer[] = [...ofDefects, ...ofVariants, ...oddities]

/** The host names of all servers. */
export const hostNames: readonly string[] = [controlServer, ...badServers].map(({ name }) => hostnameOf(name))
