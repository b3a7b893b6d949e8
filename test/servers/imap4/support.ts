import { pino } from 'pino'
import { describe, test } from 'vitest'
import { imap4 } from '../../../servers/imap4/session.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, type MailLabOptions, startMailLab } from '../../support/mail-lab.ts'

type ConnectionForm = 'STARTTLS' | 'TLS'

/** Starts an IMAP4 virtual server with its own store. */
export function startImapLab(options: MailLabOptions = {}): Promise<MailLab> {
  return startMailLab(imap4, { storeClock: systemClock, ...options })
}

/** Connects a client under TLS, by STARTTLS or on the TLS port. It has read the greeting. */
export async function connectBy(form: ConnectionForm, lab: MailLab): Promise<LineClient> {
  if (form === 'TLS') {
    const client = await LineClient.openTls(lab.tlsPort, lab.ca)
    await client.line()
    return client
  }
  const client = await LineClient.greeted(lab.port)
  client.send('tls STARTTLS\r\n')
  await client.line()
  await client.startTls(lab.ca)
  return client
}

const PASSWORDS: Readonly<Record<string, string>> = { alice: 'secret', bob: 'geheim' }

/** Sessions by name: `alice`, `alice2` and `bob` are logged on, `anon` and `clear` (without TLS) are not. */
export class Sessions {
  readonly #lab: MailLab
  readonly #form: ConnectionForm
  readonly #clients = new Map<string, LineClient>()

  constructor(lab: MailLab, form: ConnectionForm) {
    this.#lab = lab
    this.#form = form
  }

  async get(name: string): Promise<LineClient> {
    const known = this.#clients.get(name)
    if (known) return known
    const client = name.startsWith('clear')
      ? await LineClient.open(this.#lab.port)
      : await connectBy(this.#form, this.#lab)
    const user = name.replace(/\d+$/, '')
    const password = PASSWORDS[user]
    if (password !== undefined) {
      client.send(`log LOGIN ${user} ${password}\r\n`)
      await client.line()
    }
    this.#clients.set(name, client)
    return client
  }

  end(): void {
    for (const client of this.#clients.values()) client.destroy()
  }
}

const LINE = /^(?:(\w+) )?([CS]):(?: (.*))?$/
const CAPTURE = /«(\w+)»/g

/**
 * Plays a transcript. `C: ` lines are sent and `S: ` lines are expected, each in the session named in front of it
 * (default: `alice`). In an `S: ` line, `…` matches anything and `«x»` matches a word and stores it; in a `C: ` line,
 * `«x»` inserts the stored word. `S: (end)` expects the end of the connection. `\xNN` is an octet. `words` are stored
 * words, which several scripts can share.
 */
export async function play(sessions: Sessions, script: string, words = new Map<string, string>()): Promise<void> {
  for (const line of script.trim().split('\n')) {
    const [, name = 'alice', direction, text = ''] = LINE.exec(line.replace(/^ +/, '')) ?? []
    const client = await sessions.get(name)
    if (direction === 'C')
      client.send(`${octets(text.replace(CAPTURE, (_, word: string) => words.get(word) ?? ''))}\r\n`)
    else if (direction === 'S') expectLine(await client.line(), octets(text), words)
    else throw new Error(`invalid transcript line: ${line}`)
  }
}

const octets = (text: string): string =>
  text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))

function expectLine(found: string | undefined, expected: string, words: Map<string, string>): void {
  if (expected === '(end)' && found === undefined) return
  const names = Array.from(expected.matchAll(CAPTURE), ([, word]) => word as string)
  const pattern = expected.split(/(…|«\w+»)/).map((piece) => {
    if (piece === '…') return '.*'
    const word = /^«(\w+)»$/.exec(piece)?.[1]
    if (word === undefined) return piece.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    const kept = words.get(word)
    return kept === undefined ? '([^ )\\]]+)' : `(${kept})`
  })
  const match = found === undefined ? null : new RegExp(`^${pattern.join('')}$`, 's').exec(found)
  if (!match) throw new Error(`expected ${expected}\n     got ${found ?? '(end)'}`)
  for (const [i, word] of names.entries()) words.set(word, match[i + 1] as string)
}

interface Selected {
  /** The session in the transcript. Default: `alice`. */
  readonly by?: string
  /** The first message without `\Seen`. Default: 1. */
  readonly unseen?: number
  readonly uidNext?: number
}

/** Returns the untagged replies to SELECT and EXAMINE of a mailbox that has messages, for a transcript. RFC 9051 section 6.3.2. */
export function selected(exists: number, recent: number, { by = 'alice', unseen = 1, uidNext }: Selected = {}): string {
  const replies = [
    'FLAGS …',
    'OK [PERMANENTFLAGS …',
    `${exists} EXISTS`,
    `${recent} RECENT`,
    `OK [UNSEEN ${unseen}] …`,
    'OK [UIDVALIDITY …',
    `OK [UIDNEXT ${uidNext === undefined ? '' : `${uidNext}] `}…`,
    'OK [HIGHESTMODSEQ …',
    'OK [MAILBOXID …',
  ]
  return replies.map((reply) => `${by} S: * ${reply}`).join('\n')
}

/** Plays transcripts in labs that run one after the other and keep their store in the same folder. */
export async function onDisk(
  options: MailLabOptions,
  run: (next: (script: string, mail?: readonly string[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = newFolder()
  const words = new Map<string, string>()
  await run(async (script, mail = []) => {
    await using store = await openLmdbStore(folder, { clock: systemClock, log: pino({ level: 'silent' }) })
    await using lab = await startImapLab({ ...options, store })
    if (mail.length > 0) await lab.put('alice', ...mail)
    const sessions = new Sessions(lab, 'TLS')
    try {
      await play(sessions, script, words)
    } finally {
      sessions.end()
    }
  })
}

interface Topic {
  readonly lab?: MailLabOptions
  /** Messages in alice's INBOX. */
  readonly mail?: readonly string[]
}

/** Defines one test per transcript, over STARTTLS and over the TLS port. Each test starts its own lab. */
export function topic(
  name: string,
  { lab: options = {}, mail = [] }: Topic,
  scripts: Readonly<Record<string, string>>,
): void {
  describe.each(['STARTTLS', 'TLS'] as const)(`${name}, by %s`, (form) => {
    test.each(Object.entries(scripts))('%s', async (_title, script) => {
      await using lab = await startImapLab(options)
      if (mail.length > 0) await lab.put('alice', ...mail)
      const sessions = new Sessions(lab, form)
      try {
        await play(sessions, script)
      } finally {
        sessions.end()
      }
    })
  })
}
