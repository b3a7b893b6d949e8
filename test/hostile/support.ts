import { expect, onTestFinished, vi } from 'vitest'
import { nextTurn } from '../../src/core/time/time-slice.ts'
import { connectBy, startImapLab } from '../servers/imap4/support.ts'
import { LineClient } from '../support/line-client.ts'
import { type MailLab, type MailLabOptions, startMailLab } from '../support/mail-lab.ts'

/** Multiplies counts. `npm run test:hostile` sets it to 10. */
const SCALE = Number(process.env.SEALPOST_HOSTILE_SCALE ?? '1')

/** Whether this is the long form. */
export const isScaled = SCALE > 1

/** Returns the count of the short form, or the one of the long form. */
export const scaled = (count: number): number => count * SCALE

/** Milliseconds that seem to pass at each look at the clock: more than a slice. */
const LOOK_MS = 25

/**
 * Ends a slice with every look at the clock, so that work pauses whenever it checks, on any machine. How often others are
 * served then says how often the work checks.
 */
export function shortenSlices(): void {
  const now = performance.now.bind(performance)
  let looks = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + ++looks * LOOK_MS)
  onTestFinished(async () => {
    clock.mockRestore()
    await nextTurn() // ends the slice, which would last until the time that seemed to pass
  })
}

/** Two IMAP4 sessions on one lab: alice attacks, bob only sends NOOPs. */
interface Duel extends AsyncDisposable {
  readonly lab: MailLab
  /** Sends an attack, and NOOPs one after another until its tagged reply `x …` has arrived. */
  attack(command: string): Promise<AttackResult>
}

interface AttackResult {
  /** All lines of the reply. The last one is tagged. */
  readonly reply: readonly string[]
  /** NOOPs that were answered before it. */
  readonly noops: number
}

/** Starts a lab with messages in alice's INBOX, which she has selected. */
export async function startDuel(mail: readonly string[], options: MailLabOptions = {}): Promise<Duel> {
  const lab = await startImapLab(options)
  await lab.put('alice', ...mail)
  const alice = await loggedOn(lab, 'alice', 'secret')
  const bob = await loggedOn(lab, 'bob', 'geheim')
  alice.send('s SELECT INBOX\r\n')
  await upTo(alice, 's')
  return {
    lab,
    async attack(command) {
      let reply: string[] | undefined
      alice.send(`x ${command}\r\n`)
      const ended = upTo(alice, 'x').then((lines) => {
        reply = lines
      })
      let noops = 0
      while (!reply) {
        bob.send('n NOOP\r\n')
        await Promise.race([ended, upTo(bob, 'n')])
        if (!reply) noops++
      }
      return { reply, noops }
    },
    async [Symbol.asyncDispose]() {
      alice.destroy()
      bob.destroy()
      await lab[Symbol.asyncDispose]()
    },
  }
}

/** Sends a message by SMTP. Returns how many NOOPs of another session are answered from its arrival until its acceptance. */
export async function noopsDuringDelivery(
  message: string,
  during: 'arrival' | 'delivery' = 'delivery',
): Promise<number> {
  await using lab = await startMailLab({ protocol: 'smtp' })
  const [sender, other] = [await LineClient.open(lab.port), await LineClient.open(lab.port)]
  const ask = async (client: LineClient, text: string): Promise<string | undefined> => {
    client.send(text)
    return (await client.lines((line) => /^\d{3} /.test(line))).at(-1)
  }
  await ask(sender, '') // the greeting
  await ask(other, '')
  await ask(sender, 'EHLO a\r\n')
  await ask(sender, 'MAIL FROM:<a@b.test>\r\n')
  await ask(sender, 'RCPT TO:<alice@lab.test>\r\n')
  const chunk = `BDAT ${message.length}\r\n${message}`
  // The reply to the first chunk says that the server has all of the message.
  if (during === 'delivery') expect(await ask(sender, chunk)).toMatch(/^250 /)
  shortenSlices()
  let isOver = false
  const ended = ask(sender, during === 'delivery' ? 'BDAT 0 LAST\r\n' : chunk).then((reply) => {
    isOver = true
    expect(reply).toMatch(/^250 /)
  })
  let noops = 0
  while (!isOver) {
    await Promise.race([ended, ask(other, 'NOOP\r\n')])
    if (!isOver) noops++
  }
  await ended
  sender.destroy()
  other.destroy()
  return noops
}

async function loggedOn(lab: MailLab, user: string, password: string): Promise<LineClient> {
  const client = await connectBy('TLS', lab)
  client.send(`l LOGIN ${user} ${password}\r\n`)
  expect((await upTo(client, 'l')).at(-1)).toMatch(/^l OK/)
  return client
}

const upTo = (client: LineClient, tag: string): Promise<string[]> => client.lines((line) => line.startsWith(`${tag} `))
