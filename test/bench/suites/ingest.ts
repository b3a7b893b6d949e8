import { randomBytes } from 'node:crypto'
import { floor } from '../contenders/floor.ts'
import { lab } from '../contenders/lab.ts'
import { bareStarttlsServer } from '../contenders/smtp-peers.ts'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, sendStepwise } from '../frame/smtp.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'
import { LoadClient, logOnByImap, onConnections } from '../frame/wire.ts'

const SMALL = 2000
const LARGE = 100_000
const GROUP = 'bench.written'
const BATCH = 50

/** A client's use of one connection. */
interface Session {
  readonly name: string
  /** Connections at the same time. */
  readonly connections: number
  /** Messages after which a connection is closed, and another one opened. Default: none. */
  readonly messages?: number
  open(target: Target): Promise<LoadClient>
  /** Sends some messages, and returns their number. */
  send(wire: LoadClient): Promise<number>
}

/** Sends messages that the servers keep, so that they hold more and more. */
const ingest = ({ name, connections, messages = Number.POSITIVE_INFINITY, open, send }: Session): Workload => ({
  name,
  keepsMessages: true,
  unit: 'messages',
  suits: (target) => name.startsWith('SMTP') || target.nntpPort !== undefined,
  run: (target, untilMs) =>
    onConnections(connections, async () => {
      let sent = 0
      while (performance.now() < untilMs) {
        const wire = await open(target)
        for (let here = 0; here < messages && performance.now() < untilMs; here++) sent += await send(wire)
        await wire.ask('QUIT\r\n', '\r\n')
        wire.close()
      }
      return sent
    }),
})

type Ways = Pick<Session, 'connections' | 'messages'> & { readonly starttls?: boolean }

/** Waits for the reply to every command. */
function smtp(name: string, octets: number, { starttls = false, ...ways }: Ways): Session {
  const data = Buffer.concat([mailOf(octets), END])
  return {
    name: `SMTP, ${octets / 1000} KB, ${name}`,
    ...ways,
    async open(target) {
      const wire = await greeted({ host: target.host, port: target.smtpPort ?? target.port })
      if (!starttls) return wire
      await wire.ask('STARTTLS\r\n', '\r\n')
      const secured = await wire.secure(target.ca ?? '')
      await secured.ask('EHLO bench.test\r\n', '\n250 ')
      await secured.until('\r\n')
      return secured
    },
    async send(wire) {
      await sendStepwise(wire, data)
      return 1
    },
  }
}

const message = mailOf(SMALL)
const ENDED = Buffer.from('\r\n')
const WHOLE_APPEND = Buffer.concat([Buffer.from(`a APPEND INBOX {${message.length}+}\r\n`), message, ENDED])
const APPENDED = Buffer.concat([message, ENDED])

const append: Session = {
  name: 'IMAP4 APPEND, 2 KB, one at a time',
  connections: 1,
  open: (target) => logOnByImap(target),
  async send(wire) {
    await wire.ask(`a APPEND INBOX {${message.length}}\r\n`, '+')
    await wire.until('\r\n')
    await wire.ask(APPENDED, 'a OK')
    await wire.until('\r\n')
    return 1
  },
}

const appendAtOnce: Session = {
  ...append,
  name: 'IMAP4 APPEND with LITERAL+, 2 KB, 8 connections',
  connections: 8,
  async send(wire) {
    await wire.ask(WHOLE_APPEND, 'a OK')
    await wire.until('\r\n')
    return 1
  },
}

const run = randomBytes(4).toString('hex')
let count = 0
const body = 'The quick brown fox jumps over the lazy dog and runs on, to be read by all.\r\n'.repeat(24)

/** Returns an article with a unique Message-ID. A `relayed` one has the headers that a peer must send. */
function article(relayed: boolean): { readonly id: string; readonly text: string } {
  const id = `<${++count}.${run}@bench.test>`
  const path = relayed ? 'Path: bench.test!not-for-mail\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n' : ''
  const head = `${path}From: alice@lab.test\r\nNewsgroups: ${GROUP}\r\nSubject: Article\r\nMessage-ID: ${id}\r\n\r\n`
  return { id, text: `${head}${body}.\r\n` }
}

async function openNews({ host, nntpPort = 0 }: Target): Promise<LoadClient> {
  const wire = await LoadClient.open({ host, port: nntpPort })
  await wire.until('\r\n')
  return wire
}

const takethis: Session = {
  name: `NNTP TAKETHIS, 2 KB, ${BATCH} at a time`,
  connections: 1,
  open: openNews,
  async send(wire) {
    const articles = Array.from({ length: BATCH }, () => article(true))
    await wire.ask(articles.map(({ id, text }) => `TAKETHIS ${id}\r\n${text}`).join(''), '239 <', BATCH)
    return BATCH
  },
}

const post: Session = {
  name: 'NNTP POST, 2 KB, 8 connections',
  connections: 8,
  open: openNews,
  async send(wire) {
    await wire.ask('POST\r\n', '340 ')
    await wire.until('\r\n')
    await wire.ask(article(false).text, '240 ')
    await wire.until('\r\n')
    return 1
  },
}

/**
 * Clients wait for every reply, only TAKETHIS sends several articles first. Sealpost and the floor keep all messages of the
 * rounds that count, so their stores grow; smtp-server drops each message.
 */
export const suite: RateSuite = {
  kind: 'rates',
  title: 'Ingest',
  // The code is compiled after some ten thousand messages.
  warmUps: 4,
  contenders: [
    lab({
      protocol: 'all',
      newsgroups: [{ name: GROUP }],
      feeds: [{ peer: 'bench.test', direction: 'in', from: ['127.0.0.1'] }],
    }),
    bareStarttlsServer,
    floor,
  ],
  workloads: [
    smtp('8 connections', SMALL, { connections: 8 }),
    smtp('1 connection', SMALL, { connections: 1 }),
    smtp('8 connections', LARGE, { connections: 8 }),
    smtp('a connection per mail, 8 at a time', SMALL, { connections: 8, messages: 1 }),
    smtp('STARTTLS, 8 connections', SMALL, { connections: 8, starttls: true }),
    smtp('STARTTLS, 8 connections', LARGE, { connections: 8, starttls: true }),
    smtp('STARTTLS and a connection per mail, 8 at a time', SMALL, { connections: 8, messages: 1, starttls: true }),
    append,
    appendAtOnce,
    takethis,
    post,
  ].map(ingest),
}
