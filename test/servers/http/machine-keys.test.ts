import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { labJsonSchema } from '../../../src/core/config/json-schema.ts'
import { newFolder } from '../../support/folder.ts'
import { HttpLab } from './client.ts'

interface Node {
  readonly $ref?: string
  readonly type?: unknown
  readonly enum?: unknown
  readonly const?: unknown
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly allOf?: readonly Node[]
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
}

const schema = labJsonSchema() as Node

/** Returns the paths of all keys whose value is a text. `*` is any key of a mapping, `-` any item of a list. */
function textKeys(): string[] {
  const found = new Set<string>()
  const walk = (node: Node, path: readonly string[], refs: readonly string[]): void => {
    const { $ref: ref, properties = {}, additionalProperties, items } = node
    if (ref !== undefined && !refs.includes(ref)) {
      const steps = ref.slice(2).split('/')
      const target = steps.reduce((from, step) => (from as Record<string, object>)[step] as object, schema as object)
      walk(target, path, [...refs, ref])
    }
    for (const one of [node.anyOf, node.oneOf, node.allOf].flatMap((all) => all ?? [])) walk(one, path, refs)
    if (node.type === 'string' && !node.enum && node.const === undefined) found.add(path.join('.'))
    for (const [key, one] of Object.entries(properties)) walk(one, [...path, key], refs)
    if (typeof additionalProperties === 'object') walk(additionalProperties, [...path, '*'], refs)
    if (items) walk(items, [...path, '-'], refs)
  }
  walk(schema, [], [])
  return [...found]
}

/** Name files, folders, sockets, programs or databases of the machine. HTTP cannot set them. */
const MACHINE = [
  /(?:^|\.)(?:file|keyFile|preload|lmdb|postgres|spamFilter)$/,
  /File$/,
  /(?:^|\.)authority$/,
  /^certificates(?:\.store)?$/,
  /(?:^|\.)packets$/,
  /^store\.bodies\.s3$/,
  /^certificates\.service\.acme\.dns\.-$/,
]

/** Name a host that the lab connects to. Administrators may set them, but send no secret of the configuration there. */
const HOSTS = [
  /^outgoing\.connectors\.-\.(?:smartHost\.(?:host|names\.-)|resolver)$/,
  /^virtualServers\.-\.feeds\.-\.host$/,
  /^(?:virtualServers\.-\.providers\.-\.)?webhooks\.-\.url$/,
  /^oauth2\.issuers\.-\.jwksUri$/,
  /^testing\.verify\.targets\.-$/,
  /^mail\.remoteContent\.-$/,
  /^certificates\.service\.acme\.dns$/,
]

/** Names, addresses of mail, texts, times, sizes and secrets, by the last key of the path. */
const PLAIN = new Set(
  `
    a aaaa accessKeyId accessToken accessTokenLifetime account address addresses administrators age aliasOf allow
    alternativeNames audience authservId bucket caaIdentities certificate certificates ciphers client clientId clientSecret complaintsTo cors
    connector default delay delayWarning delegates deny description distrust domain domains error eventDelay expiresAfter
    external externalAccounts failedLogonDelay filter folder folders from garbage gateway giveUpAfter
    greeting groups handshakeTimeout header hide hostname hosts html http id idleTimeout imap4 inboxes inject interval issuer
    keySecret keySecretFallback label lifetime lmtp loginDelay logonTimeout mailboxReferrals managesieve match matching maxAge maxSize
    maxSizeRequest maxSizeUpload method
    memory memoryLimit messageSize moderator motd mx name nntp node organization oversizedReply password
    passwordHash path peer per pop3 prefix progressInterval ptr rate rawReply readers records redirectUris referral region
    refreshTokenLifetime repeatAfter reply report retries retry rua scriptSize secret secretAccessKey selector senders serialNumber sessionSize sieve size
    smtp subject suppressed tags text timeout to token transfer trust ttl txt types until url user userClaim users validationDelay verb
    virtualServer
  `.split(/\s+/),
)

const isOf = (patterns: readonly RegExp[], path: string): boolean => patterns.some((pattern) => pattern.test(path))
const lastKey = (path: string): string => path.split('.').findLast((step) => !/^[-*]$/.test(step)) ?? ''

const TEXT = `
certificates: { store: memory, key: p256 }
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: http, port: 0, tlsPort: off }
`

const folder = newFolder()
writeFileSync(join(folder, 'lab.yaml'), TEXT)
const http = await HttpLab.ofFile(join(folder, 'lab.yaml'))
afterAll(() => http[Symbol.asyncDispose]())

test('every key with a text is classified: whether it names files or hosts', () => {
  const unknown = textKeys().filter((path) => !isOf(MACHINE, path) && !isOf(HOSTS, path) && !PLAIN.has(lastKey(path)))
  // A new key: find out whether its value can name a file, a folder, a program or a host, and add it to a list above.
  expect(unknown).toEqual([])
})

/** Values for keys that only an examined configuration has. */
const EXAMINED: Readonly<Record<string, readonly [path: string, value: unknown]>> = {
  certificates: ['/certificates', '/tmp/elsewhere'],
  'certificates.store': ['/certificates', { store: '/tmp/elsewhere' }],
  'store.bodies.s3': [
    '/store',
    {
      postgres: 'postgres://127.0.0.1/x',
      bodies: { s3: 'http://127.0.0.1:1', bucket: 'lab', accessKeyId: 'a', secretAccessKey: 'b' },
    },
  ],
  'testing.packets': ['/testing', { packets: '/tmp/lab.pcapng' }],
  'virtualServers.-.packets': ['/virtualServers/0/packets', '/tmp/lab.pcapng'],
  'certificates.service.acme.dns.-': ['/certificates', { service: { port: 0, acme: { dns: ['/bin/true'] } } }],
}

test.each([
  ['/capture', '/tmp/lab.pcapng'],
  ['/connectors', [{ name: 'A', smartHost: { host: 'a.test', user: 'a', passwordFile: '/etc/hostname' } }]],
  ['/certificate', { file: '/etc/hostname', keyFile: '/etc/hostname' }],
])('nor the old key %s', async (path, value) => {
  const { status, body } = await http.request('configuration', {
    method: 'PATCH',
    json: { changes: [{ op: 'set', path, value }] },
  })
  expect([status, body.errors?.[0].message]).toEqual([403, expect.stringContaining('only on the machine')])
})

test.each(textKeys().filter((path) => isOf(MACHINE, path)))('HTTP cannot set %s', async (path) => {
  const [top = '', ...rest] = path.split('.')
  const built = rest.reduceRight<unknown>(
    (value, step) => (step === '-' ? [value] : { [step === '*' ? 'x' : step]: value }),
    path.endsWith('postgres') ? 'postgres://x@127.0.0.1/x?sslkey=/etc/hostname' : './etc/hostname',
  )
  const [at, value] = EXAMINED[path] ?? [`/${top}`, built]
  const changes = [{ op: 'set', path: at, value }]
  const { status, body } = await http.request('configuration', { method: 'PATCH', json: { changes } })
  expect([status, body.errors?.[0].message]).toEqual([403, expect.stringContaining('only on the machine')])
  expect(readFileSync(join(folder, 'lab.yaml'), 'utf8')).toBe(TEXT)
})
