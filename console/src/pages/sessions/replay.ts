import type { Entry, Session } from './types.ts'

/** The requirements of a session's virtual server. */
interface ReplayedServer {
  readonly protocol: string
  readonly requireSecureChannel: boolean
  readonly require128BitEncryption: boolean
}

/** How each protocol ends a reply, and which replies are refusals and requests to continue. */
interface Replies {
  /** The line that ends the reply to a command. */
  readonly final: RegExp
  /** The beginning of the line that the test expects. */
  readonly status: RegExp
  readonly refusal: RegExp
  readonly more: RegExp
}

const replies: Readonly<Record<string, Replies>> = {
  smtp: { final: /^\d{3}(?: |$)/, status: /^\d{3}/, refusal: /^[45]/, more: /^334/ },
  pop3: { final: /^(?:\+OK|-ERR|\+ )/, status: /^(?:\+OK|-ERR|\+)/, refusal: /^-ERR/, more: /^\+ / },
  imap4: {
    final: /^(?:\+ |\* (?:OK|PREAUTH|BYE)|[^*+\s]\S* (?:OK|NO|BAD)\b)/,
    status: /^(?:\+|\S+ (?:OK|NO|BAD|BYE|PREAUTH))/,
    refusal: /^\S+ (?:NO|BAD|BYE)\b/,
    more: /^\+/,
  },
  nntp: { final: /^\d{3}(?: |$)/, status: /^\d{3}/, refusal: /^[45]/, more: /^38[13]/ },
}

/** Returns whether a session can be replayed: HTTP sessions, outgoing ones and those without lines cannot. */
export const canReplay = ({ protocol, direction }: Session, entries: readonly Entry[]): boolean =>
  direction !== 'out' && protocol in replies && entries.some((one) => one.kind === 'line' && one.direction === 'in')

/** Returns a test for node:test that sends to a new lab what the client of a session sent, and expects the same replies. */
export function replayOf(session: Session, entries: readonly Entry[], server: ReplayedServer): string {
  const { protocol, id } = session
  const rules = replies[protocol] as Replies
  const steps = new Steps(rules, session.user ?? userIn(entries) ?? 'alice')
  for (const [index, entry] of entries.entries()) steps.add(entry, entries.slice(index + 1))
  const config = { ...steps.directory(), virtualServers: [settingsOf(server)] }
  const isImplicit = entries.find(({ kind }) => kind !== 'note')?.encrypted === true
  const title = `${protocol}: ${session.refusals[0] ?? 'the same replies'}`
  return `// Replays the session ${id}. Run it with: node --test ${id}.test.mjs
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { startLab } from 'sealpost'

const PASSWORD = 'secret' // The transcript masks passwords.

test(${JSON.stringify(title)}, async () => {
  const lab = await startLab(${JSON.stringify(config)})
  let socket = ${isImplicit ? `connectTls({ port: lab.server('${protocol}').tlsPort, host: '127.0.0.1', ca: lab.ca, servername: 'localhost' })` : `connect(lab.server('${protocol}').port, '127.0.0.1')`}
  let reader = createInterface({ input: socket })
  let lines = reader[Symbol.asyncIterator]()
  const send = (line) => socket.write(line + '\\r\\n')
  const expectReply = async (expected) => {
    for (;;) {
      const { value, done } = await lines.next()
      assert.ok(!done, \`the server closed the connection; expected \${expected}\`)
      if (!${rules.final}.test(value)) continue
      assert.match(value, expected)
      return
    }
  }
  const startTls = async () => {
    reader.close()
    socket = connectTls({ socket, ca: lab.ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
    reader = createInterface({ input: socket })
    lines = reader[Symbol.asyncIterator]()
  }
  try {
${steps.lines.map((line) => `    ${line}`).join('\n')}
  } finally {
    socket.destroy()
    await lab.stop()
  }
})
`
}

/** Returns the settings that differ from the defaults. */
const settingsOf = ({ protocol, requireSecureChannel, require128BitEncryption }: ReplayedServer) => ({
  protocol,
  ...(requireSecureChannel ? { requireSecureChannel } : {}),
  ...(require128BitEncryption ? { require128BitEncryption } : {}),
})

/** Log-ons whose user name is in the line. */
const USER = /^(?:\S+ LOGIN|USER|AUTHINFO USER) "?([^\s"]+)/i

function userIn(entries: readonly Entry[]): string | undefined {
  for (const entry of entries) {
    const user = entry.kind === 'line' && entry.direction === 'in' ? USER.exec(entry.text)?.[1] : undefined
    if (user) return user
  }
  return undefined
}

/** SASL: the mechanism is replaced by PLAIN, because the answers to challenges are masked. RFC 4954, RFC 5034, RFC 3501. */
const SASL = /^((?:\S+ )?AUTHENTICATE|AUTH|AUTHINFO SASL) \S+/i

/** Writes the statements of a test, entry by entry. */
class Steps {
  readonly lines: string[] = []
  readonly #rules: Replies
  readonly #user: string
  readonly #accounts = new Set<string>()
  #isEncrypted: boolean | undefined
  #isInSasl = false
  #lastCommand = ''
  #hasWrongPassword = false

  constructor(rules: Replies, user: string) {
    this.#rules = rules
    this.#user = user
  }

  /** Wrong passwords are refused only where accounts are listed. */
  directory(): object {
    if (!this.#hasWrongPassword) return {}
    const users = [...new Set([this.#user, ...this.#accounts])]
    return { directory: { accounts: users.map((user) => ({ user, password: 'secret' })) } }
  }

  add(entry: Entry, rest: readonly Entry[]): void {
    if (entry.kind === 'note') return
    if (entry.encrypted && this.#isEncrypted === false) this.lines.push('await startTls()')
    this.#isEncrypted = entry.encrypted
    if (entry.direction === 'out') {
      if (entry.kind === 'line') this.#reply(entry.text)
    } else if (entry.kind === 'octets') this.#content(entry.octets)
    else this.#command(entry.text, rest)
  }

  #reply(text: string): void {
    if (!this.#rules.final.test(text) || (this.#isInSasl && this.#rules.more.test(text))) return
    this.#isInSasl = false
    const status = this.#rules.status.exec(text)?.[0] ?? ''
    const pattern = onOneLine(status.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    this.lines.push(`await expectReply(/^${pattern}/) // ${onOneLine(text.slice(0, 70))}`)
  }

  #command(text: string, rest: readonly Entry[]): void {
    const sasl = SASL.exec(text)
    if (!sasl && this.#isInSasl) return
    this.#lastCommand = text
    const account = /^RCPT TO:<([^@>]+)@/i.exec(text)?.[1]
    if (account) this.#accounts.add(account)
    if (sasl) {
      this.#isInSasl = true
      const credentials = `Buffer.from('\\0' + ${literal(this.#user)} + '\\0' + ${this.#password(rest)}).toString('base64')`
      this.lines.push(`send(${literal(`${sasl[1]} PLAIN `)} + ${credentials})`)
    } else if (text.endsWith('***')) {
      this.lines.push(`send(${literal(text.slice(0, -3))} + ${this.#password(rest)})`)
    } else this.lines.push(`send(${literal(text)})`)
  }

  #password(rest: readonly Entry[]): string {
    const answer = rest.find(
      (one) =>
        one.kind === 'line' &&
        one.direction === 'out' &&
        this.#rules.final.test(one.text) &&
        !this.#rules.more.test(one.text),
    )
    const isWrong = answer?.kind === 'line' && this.#rules.refusal.test(answer.text)
    if (isWrong) this.#hasWrongPassword = true
    return isWrong ? "'wrong password'" : 'PASSWORD'
  }

  /** The transcript has the size of a message only. A counted message has the same size, others end with a period. */
  #content(octets: number): void {
    const isCounted = /^BDAT |\{\d+\+?\}$/i.test(this.#lastCommand)
    const start = 'From: app@example.com\\r\\nSubject: Replayed\\r\\n\\r\\n'
    this.lines.push(
      isCounted
        ? `socket.write('${start}'.padEnd(${octets}, 'x').slice(0, ${octets}))`
        : `send('${start}Hello\\r\\n.')`,
    )
  }
}

/** Writes what a client sent as a literal of the test: it must not become a part of its code. */
const literal = (text: string): string => `'${onOneLine(text.replaceAll(/['\\]/g, '\\$&'))}'`

/** Escapes what ends a line of JavaScript, and other control characters. */
const onOneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
