import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { Workplace } from '../../support/sealpost.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'

/** Messages are stored with those that arrive at the same time: see `src/core/time/arrivals.ts`. */
describe('messages of several clients in a store on disk', () => {
  let place: Workplace
  let lab: TestLab
  const open: SmtpSender[] = []

  beforeAll(async () => {
    place = new Workplace()
    lab = await startLab({
      certificates: { store: 'memory', key: 'p256' },
      store: { lmdb: `${place.folder}/data` },
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    })
  })
  afterAll(() => lab.stop())
  afterEach(async () => {
    for (const client of open.splice(0)) client.close()
    await lab.reset()
  })

  async function sender(): Promise<SmtpSender> {
    const client = await SmtpSender.open(lab.server('smtp').port ?? 0)
    open.push(client)
    return client
  }

  /** Says the commands before a message, and does not send it. */
  async function begin(client: SmtpSender): Promise<void> {
    expect(await client.ask('MAIL FROM:<a@lab.test>')).toMatch(/^250 /)
    expect(await client.ask('RCPT TO:<alice@lab.test>')).toMatch(/^250 /)
    expect(await client.ask('DATA')).toMatch(/^354 /)
  }

  const subjects = async (): Promise<unknown[]> =>
    (await lab.messages({ to: 'alice@lab.test' })).map(({ subject }) => subject).sort()

  it('a client that stops before, in or after its message does not hold up the others', async () => {
    const [afterMail, inMessage, afterMessage, other] = [await sender(), await sender(), await sender(), await sender()]
    expect(await afterMail.ask('MAIL FROM:<a@lab.test>')).toMatch(/^250 /)
    await begin(inMessage)
    expect(await afterMessage.send('Subject: before\r\n\r\nx\r\n')).toMatch(/^250 /)
    for (const subject of ['first', 'second']) {
      expect(await other.send(`Subject: ${subject}\r\n\r\nx\r\n`)).toMatch(/^250 /)
    }
    expect(await inMessage.ask('Subject: late\r\n\r\nx\r\n.')).toMatch(/^250 /)
    expect(await afterMail.ask('RCPT TO:<alice@lab.test>')).toMatch(/^250 /)
    expect(await subjects()).toEqual(['before', 'first', 'late', 'second'])
  })

  it('a client that is lost in its message takes nothing from the others', async () => {
    const [lost, other] = [await sender(), await sender()]
    await begin(lost)
    const sending = other.send('Subject: kept\r\n\r\nx\r\n')
    lost.close()
    expect(await sending).toMatch(/^250 /)
    expect(await subjects()).toEqual(['kept'])
  })

  it('clients that send at the same time all get their replies', async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, sender))
    const sent = await Promise.all(
      clients.map(async (client, i) => {
        const replies: string[] = []
        for (let n = 0; n < 5; n++) replies.push(await client.send(`Subject: ${i}.${n}\r\n\r\nx\r\n`))
        return replies
      }),
    )
    expect(sent.flat().every((reply) => reply.startsWith('250 '))).toBe(true)
    const expected = clients.flatMap((_, i) => [0, 1, 2, 3, 4].map((n) => `${i}.${n}`))
    expect(await subjects()).toEqual(expected.sort())
  })
})
