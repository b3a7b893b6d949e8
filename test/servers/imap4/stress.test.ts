import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { openInbox } from '../../../src/storage/store/mailboxes.ts'
import { isLong } from '../../support/long.ts'
import { connectBy, startImapLab } from './support.ts'
import { ViewClient } from './view-client.ts'

// Several clients work on one mailbox at the same time, as with Dovecot's imaptest. Each checks the responses against its
// own view of the mailbox, and at times all views are compared with the store.

const [ROUNDS, COMMANDS] = isLong ? [40, 40] : [4, 12]
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Deleted', 'Work'] as const

/** How each client opens its mailbox. Those of NOTIFY SELECTED cannot use sequence numbers. */
const OPENINGS: readonly { readonly commands: readonly string[]; readonly byUid?: true }[] = [
  { commands: ['SELECT INBOX'] },
  { commands: ['ENABLE CONDSTORE', 'SELECT INBOX'] },
  { commands: ['ENABLE QRESYNC', 'SELECT INBOX'] },
  { commands: ['ENABLE IMAP4rev2', 'SELECT INBOX'] },
  { commands: ['SELECT INBOX', 'NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))'] },
  {
    commands: [
      'SELECT INBOX',
      'NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (PERSONAL (MessageNew MessageExpunge))',
    ],
    byUid: true,
  },
]

type Random = () => number
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

/** A set of messages that the client knows; undefined if it knows none. */
function someMessages({ view }: ViewClient, random: Random, byUid: boolean): string | undefined {
  const known = view.flatMap(({ uid }, index) => (byUid ? (uid === undefined ? [] : [uid]) : [index + 1]))
  if (known.length === 0) return undefined
  const [a, b] = [pick(random, known), pick(random, known)].sort((x, y) => x - y)
  return random() < 0.5 ? `${a}` : `${a}:${b}`
}

const flagList = (random: Random): string => `(${FLAGS.filter(() => random() < 0.4).join(' ')})`

/** Returns a command that names messages. After .SILENT, the client does not know the flags of the messages. */
function messageCommand(client: ViewClient, random: Random, byUid: boolean): string {
  const set = someMessages(client, random, byUid)
  if (set === undefined) return byUid ? 'UID SEARCH ALL' : 'SEARCH ALL'
  const prefix = byUid ? 'UID ' : ''
  const kind = random()
  if (kind < 0.3) return `${prefix}FETCH ${set} (UID FLAGS)`
  if (kind < 0.4) return `${prefix}FETCH ${set} (UID FLAGS BODY[TEXT])`
  if (kind < 0.5) return `${prefix}SEARCH ${prefix}${set} NOT DELETED`
  return `${prefix}STORE ${set} ${pick(random, ['+', '-', ''])}FLAGS ${flagList(random)}`
}

async function step(client: ViewClient, random: Random, byUid: boolean): Promise<void> {
  const kind = random()
  if (kind < 0.25) {
    expect(await client.command(`APPEND INBOX ${flagList(random)} {16+}\r\nSubject: x\r\n\r\nxx`)).toMatch(/^OK/)
  } else if (kind < 0.4) {
    expect(await client.command(pick(random, ['EXPUNGE', 'NOOP', 'NOOP']))).toMatch(/^OK/)
  } else if (kind < 0.5) {
    const set = someMessages(client, random, true)
    const verb = pick(random, ['COPY', 'MOVE'])
    if (set !== undefined) expect(await client.command(`UID ${verb} ${set} INBOX`)).toMatch(/^OK/)
  } else if (kind < 0.55) {
    await client.startIdle()
    expect(await client.endIdle()).toMatch(/^OK/)
  } else {
    const commands = Array.from({ length: 1 + Math.floor(random() * 3) }, () => messageCommand(client, random, byUid))
    client.mayExpunge = byUid
    const replies = await client.pipeline(commands)
    // Only FETCH by sequence numbers answers NO if all its messages are gone. RFC 2180 section 4.1.3
    for (const [i, command] of commands.entries()) {
      expect(replies[i], command).toMatch(command.startsWith('FETCH') ? /^(?:OK|NO \[EXPUNGEISSUED\]) / : /^OK /)
    }
    client.mayExpunge = true
  }
}

test.each([1, 20260202])(
  `${OPENINGS.length} clients, ${ROUNDS} times ${COMMANDS} commands at once, seed %i`,
  { timeout: 300_000 },
  async (seed) => {
    await using lab = await startImapLab()
    const { id } = await openInbox(lab.store, accountOwner('alice'))
    const clients: ViewClient[] = []
    for (const [i, { commands, byUid }] of OPENINGS.entries()) {
      const client = new ViewClient(`c${i}-`, await connectBy(i % 2 === 0 ? 'TLS' : 'STARTTLS', lab), byUid ?? false)
      for (const command of ['LOGIN alice secret', ...commands]) expect(await client.command(command)).toMatch(/^OK/)
      await client.follow('FLAGGED NOT DELETED')
      clients.push(client)
    }
    for (let round = 0; round < ROUNDS; round++) {
      const work = clients.map(async (client, i) => {
        const random = seededRandom(seed + 1_000 * round + i)
        for (let n = 0; n < COMMANDS; n++) await step(client, random, client.byUid || random() < 0.3)
      })
      await Promise.all(work)
      for (const client of clients) expect(await client.command('NOOP')).toMatch(/^OK/)
      const truth = await lab.store.list(id)
      for (const { name, view, results } of clients) {
        expect(view.length, `${name}: number of messages`).toBe(truth.length)
        for (const [index, { uid, flags }] of truth.entries()) {
          const known = view[index]
          if (known?.uid !== undefined) expect(known.uid, `${name}: uid of message ${index + 1}`).toBe(uid)
          if (known?.flags) expect([...known.flags].sort(), `${name}: flags of ${uid}`).toEqual([...flags].sort())
        }
        const found = truth.filter(({ flags }) => flags.includes('\\Flagged') && !flags.includes('\\Deleted'))
        for (const result of results.values()) {
          expect(
            [...result].sort((a, b) => a - b),
            `${name}: result`,
          ).toEqual(found.map(({ uid }) => uid))
        }
      }
    }
  },
)
