import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { OutgoingRefused, startLab, WaitTimeout } from '../../src/testing/index.ts'
import { startHost } from '../transport/outgoing/client/hosts.ts'

/** The first attempt loads the client, which takes a while on a busy machine. */
const LONG = { timeout: 15_000 }
const refusals = new Map<string, number>()

const host = await startHost({
  onRcptTo({ address }, _session, done) {
    const responseCode = refusals.get(address)
    done(responseCode === undefined ? null : Object.assign(new Error('refused'), { responseCode }))
  },
})
const smartHost = { host: '127.0.0.1', port: host.port, tls: 'none' as const }
const lab = await startLab({
  outgoing: {
    connectors: [
      { name: 'Outside', smartHost },
      { name: 'Safe', domains: ['never.test'], smartHost, rewrite: { to: 'safe@dev.test' } },
    ],
  },
})
afterAll(async () => {
  await lab?.stop()
  await host?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  refusals.clear()
  await lab.reset()
})

/** Delivers mail for another domain, which the lab captures, and releases it. */
async function release(to: string, subject = 'Hello') {
  await lab.deliver({ subject, text: 'Hi' }, { to: [to], from: 'alice@lab.test' })
  return lab.release(await lab.waitForMessage({ subject }))
}

describe('lab.release', () => {
  it('queues a message, and waitForSent resolves once the next host has it, each time once', async () => {
    const [queued] = await release('bob@example.test')
    expect(queued).toMatchObject({ connector: 'Outside', mailFrom: 'alice@lab.test' })
    const sent = await lab.waitForSent('bob@example.test', LONG)
    expect(sent).toMatchObject({ id: queued?.id, recipients: [{ kind: 'sent' }], subject: 'Hello' })
    expect(lab.queue()).toEqual([])
    expect(lab.sessions().find(({ id }) => id === sent.lastSession)).toMatchObject({ direction: 'out' })
    await expect(lab.waitForSent('bob@example.test', { timeout: 50 })).rejects.toThrow(WaitTimeout)
  })

  it('sends to others, by a connector that is named', async () => {
    await lab.deliver({ subject: 'Yours' }, { to: 'alice', from: 'shop@lab.test' })
    const mail = await lab.waitForMessage('alice')
    await expect(lab.release(mail)).rejects.toThrow(OutgoingRefused)
    await lab.release(mail, { to: ['dev@example.test'] })
    await lab.waitForSent({ to: 'dev@', from: /shop@/, connector: 'Outside' }, LONG)
    await lab.release(mail, { connector: 'Safe' })
    await lab.waitForSent({ to: 'safe@dev.test', connector: 'Safe' }, LONG)
  })

  it('refuses wrong arguments at the line of the call', async () => {
    const mail = await lab.deliver('Subject: x\r\n\r\nx', 'alice').then(() => lab.waitForMessage())
    await expect(lab.release(mail, { conector: 'Safe' } as object)).rejects.toThrow(/conector.*did you mean connector/)
    await expect(lab.release({} as never)).rejects.toThrow(/message must be one of lab.waitForMessage/)
    await expect(lab.waitForSent({ too: 'x' } as object, LONG)).rejects.toThrow(/did you mean to/)
    const error = await lab.release(mail, { connector: 'None' }).catch((one: Error) => one)
    expect((error as Error).stack).toContain('outgoing.test.ts')
  })
})

it('waits for what is deferred and for what fails, and says what happened instead', async () => {
  refusals.set('later@example.test', 451)
  refusals.set('never@example.test', 550)
  await release('later@example.test', 'One')
  await release('never@example.test', 'Two')
  expect(await lab.waitForDeferred({ subject: 'One' }, LONG)).toMatchObject({ attempts: 1 })
  expect((await lab.waitForFailed('never@', LONG)).recipients).toMatchObject([{ code: 550, kind: 'failed' }])
  expect(lab.queue()).toMatchObject([{ subject: 'One', state: 'deferred' }])
  const error = await lab
    .waitForSent({ to: 'later@', connector: 'Outside' }, { timeout: 50 })
    .catch((one: Error) => one)
  expect((error as Error).message).toMatch(
    /no message with to "later@", connector "Outside" was accepted by another host within 50 ms[^]*deferred: from <alice@lab\.test> to <later@example\.test> by Outside: 451 refused[^]*messages that wait:/,
  )
})
