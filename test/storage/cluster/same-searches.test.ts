import fc from 'fast-check'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import type { Caller } from '../../../src/api/caller.ts'
import { invoke } from '../../../src/api/invoke.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { TestClock } from '../../support/test-clock.ts'
import { isThorough } from '../../support/thorough.ts'

const TEXTS = [
  'Größe',
  'GRÖSSE',
  'Straße',
  'İstanbul',
  'ﬁnance',
  'e\u0301cole',
  'École',
  'ΣΊΣΥΦΟΣ',
  '日本語',
  'invoice 4711',
  'Plain Report',
  'a quarterly report',
]
const USERS = ['alice', 'bob']
const DAY_MS = 86_400_000

async function labWith(store: object) {
  const accounts = USERS.map((user) => ({ user, password: 'secret' }))
  const clock = new TestClock()
  const { lab: config } = loadObject(
    {
      hostname: 'lab.test',
      certificates: { key: 'p256' },
      directory: { accounts },
      virtualServers: [{ protocol: 'http', port: 0, tlsPort: 'off' }],
      ...store,
    },
    process.cwd(),
  )
  const lab = await createLab(config, { log: pino({ level: 'silent' }), clock })
  const call = async (name: string, input: object, caller: Caller = { role: 'administrator', name: 'owner' }) =>
    // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape of the answer itself
    (await invoke(await lab.api(), caller, { name, input }, AbortSignal.timeout(60_000))) as any
  return { lab, clock, call, [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose]() }
}

function word(text: string, n: number): string {
  if (/^[ -~]*$/.test(text) && n % 11 !== 0) return n % 2 === 0 ? text : text.replace(' ', '\r\n ')
  if (n % 11 === 0) return `=?utf-8?b?${base64(text)}?=`
  return n % 3 === 0 ? text : `=?utf-8?${n % 3 === 1 ? 'b' : 'q'}?${n % 3 === 1 ? base64(text) : quoted(text)}?=`
}
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const quoted = (text: string): string =>
  [...Buffer.from(text)].map((one) => `=${one.toString(16).toUpperCase().padStart(2, '0')}`).join('')

/** Message `n`, of a few kinds, each in another encoding. */
function mailNumbered(n: number): Buffer {
  const [subject, text, name] = [0, 1, 2].map((step) => TEXTS[(n + step) % TEXTS.length] as string) as [
    string,
    string,
    string,
  ]
  const body =
    n % 4 === 0
      ? ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64', '', base64(text)]
      : n % 4 === 1
        ? [
            'Content-Type: text/html; charset=utf-8',
            '',
            `<p>${text.replaceAll('e', '&#101;')} <a href="http://x.test/${n}">x</a></p>`,
          ]
        : ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable', '', quoted(text)]
  return Buffer.from(
    [
      `Subject: #${n} ${word(subject, n)}`,
      `From: ${word(name, n + 1)} <from${n % 5}@xn--grsse-jua.example>`,
      `To: ${word(text, n + 2)} <${USERS[n % 2]}@lab.test>`,
      ...(n % 6 === 0 ? ['X-Kind: Größe "a"'] : []),
      ...(n % 7 === 0 ? [`Message-ID: <id-${n}@x.test>`] : []),
      ...['MIME-Version: 1.0', ...body, ''],
    ].join('\r\n'),
  )
}

const value = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.constantFrom(...TEXTS).map((text) => text.toLowerCase().normalize('NFD')),
  fc.constantFrom(...TEXTS).map((text) => text.toUpperCase()),
  fc.constantFrom(
    '4711',
    'from1',
    'größse.example',
    'grösse',
    '#1',
    '#',
    '"',
    'x.test/5',
    'lab.test',
    'alice',
    '%',
    '_',
    '\\',
    "'",
    '*',
  ),
)
const field = fc.constantFrom(
  '',
  '',
  'subject:',
  'from:',
  'to:',
  'cc:',
  'bcc:',
  'addressed:',
  'message-id:',
  'header:X-Kind:',
  'header:Subject:',
)
const quotedValue = value.map((one) => `"${one.replaceAll(/["\\]/g, '\\$&')}"`)
const other = fc.constantFrom(
  ...[
    'is:read',
    'is:unread',
    'is:flagged',
    'is:tagged',
    'tag:Blue',
    'tag:BLUE',
    'account:bob',
    'folder:inbox',
    'captured:yes',
  ],
  ...[
    'before:2026-11-27',
    'after:2026-11-27',
    'on:2026-11-26',
    'larger:300',
    'smaller:0.3k',
    'articles:no',
    'has:attachment',
  ],
)
const term = fc
  .tuple(
    fc.constantFrom('', '', '-', '!'),
    fc.oneof(
      fc.tuple(field, quotedValue).map((parts) => parts.join('')),
      other,
    ),
  )
  .map((parts) => parts.join(''))
const query = fc.array(term, { minLength: 1, maxLength: 3 }).map((terms) => terms.join(' '))

interface Found {
  readonly subject: string
  readonly account: string | null
  readonly copies?: readonly Pick<Found, 'account'>[]
}
const accountOf = ({ account }: Pick<Found, 'account'>): string => account ?? 'captured'

describe.skipIf(!needsPostgres())('a search', () => {
  it('finds the same in PostgreSQL as in memory', async () => {
    const { url, schema } = await freshDatabase()
    await using memory = await labWith({ store: 'memory' })
    await using shared = await labWith({ store: { postgres: url, pool: 3 }, cluster: { name: schema } })
    const labs = [memory, shared]
    for (const { lab, clock, call } of labs) {
      for (let n = 0; n < 40; n++) {
        clock.ms += DAY_MS / 8
        const to = [`${USERS[n % 2]}@lab.test`, ...(n % 5 === 0 ? ['bob@lab.test', 'eve@elsewhere.example'] : [])]
        await lab.deliver({ from: 'sender@example.com', to: [...new Set(to)], raw: mailNumbered(n) })
      }
      const changes = [{ read: true }, { flagged: true }, { tags: ['Blue'] }, { flags: ['$Junk'] }]
      const { items } = await call('messages.list', { limit: 1_000 })
      for (const { id, subject } of items as { id: string; subject: string }[]) {
        const change = changes[Number(/^#(\d+)/.exec(subject)?.[1]) % 6]
        if (change) await call('messages.update', { id, ...change })
      }
    }
    const callers: Caller[] = [
      { role: 'administrator', name: 'owner' },
      { role: 'account', name: 'alice', seesCaptured: false },
    ]
    const found = (lab: (typeof labs)[number], input: object, caller: Caller) =>
      lab.call('messages.list', { limit: 1_000, ...input }, caller).then(
        ({ items, total }) => ({
          total,
          items: items
            // Copies that arrived at the same time have no order.
            .map(({ subject, account, copies = [{ account }] }: Found) =>
              [subject, ...copies.map(accountOf).sort()].join(' '),
            )
            .sort(),
        }),
        ({ problem, detail }) => ({ problem, detail }),
      )
    await fc.assert(
      fc.asyncProperty(
        query,
        fc.constantFrom(...callers),
        fc.constantFrom({}, { distinct: true }),
        async (text, caller, how) => {
          const [inMemory, inDatabase] = await Promise.all(
            labs.map((lab) => found(lab, { query: text, ...how }, caller)),
          )
          expect(inDatabase).toEqual(inMemory)
        },
      ),
      { numRuns: isThorough ? 1_000 : 150 },
    )
  })
})
