import { afterEach, describe, expect, it } from 'vitest'
import { http } from '../../../servers/http/session.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { openInbox } from '../../../src/storage/store/mailboxes.ts'
import { type CountingStore, countingStore } from '../../support/counting-store.ts'
import { countSteps } from '../../support/iterator-steps.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { some } from '../../support/thorough.ts'

interface FilledLab extends CountingStore {
  readonly lab: MailLab
  request(method: string, path: string): Promise<Response>
}

const labs: MailLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
})

/** Starts a lab whose API has seen every message. */
async function filled(accounts: number, messages: number): Promise<FilledLab> {
  const counting = countingStore()
  const { store } = counting
  const lab = await startMailLab(http, { store, bare: true, mode: 'open' })
  labs.push(lab)
  const inboxes: string[] = []
  for (let n = 0; n < accounts; n++) inboxes.push((await openInbox(store, accountOwner(`user${n}`))).id)
  await store.append(
    Array.from({ length: messages }, (_, n) => ({
      raw: Buffer.from(`Subject: ${n}\r\n\r\n`),
      envelope: { mailFrom: 'a@b.test', rcptTo: ['c@d.test'] },
      targets: [{ folderId: inboxes[n % accounts] ?? '' }],
    })),
  )
  const request = async (method: string, path: string): Promise<Response> => {
    const response = await fetch(`http://127.0.0.1:${lab.port}${path}`, { method })
    expect(response.status).toBeLessThan(300)
    return response
  }
  const { total } = (await (await request('GET', '/api/v1/messages?limit=1')).json()) as { total: number }
  expect(total).toBe(messages)
  counting.calls.length = 0
  return { ...counting, lab, request }
}

const ways = [
  ['DELETE', '/api/v1/messages?all=true'],
  ['DELETE', '/mailpit/api/v1/messages'],
  ['DELETE', '/mailhog/api/v1/messages'],
  ['DELETE', '/maildev/email/all'],
  ['POST', '/api/v1/reset'],
] as const

describe.each(some(ways, 2))('%s %s', (method, path) => {
  it('deletes 10,000 messages with one change of the store for each folder', { timeout: 60_000 }, async () => {
    const { store, calls, request } = await filled(3, 10_000)
    await request(method, path)
    const counted = new Map<string, number>()
    for (const call of calls) counted.set(call, (counted.get(call) ?? 0) + 1)
    // Each request asks the store once for what other nodes have changed.
    if (method === 'DELETE') expect(Object.fromEntries(counted)).toEqual({ refresh: 1, expunge: 3 })
    else expect(counted.get('clear')).toBe(1)
    for (const owner of await store.listOwners()) {
      for (const { id } of await store.listFolders(owner)) expect((await store.status(id)).exists).toBe(0)
    }
  })

  it.each([
    ['in one folder', () => 1],
    ['in four times the folders', (messages: number) => messages / 4],
  ])('makes four times the steps for four times the messages %s', { timeout: 60_000 }, async (_, accounts) => {
    const steps: number[] = []
    for (const messages of [500, 2_000]) {
      const { request } = await filled(accounts(messages), messages)
      steps.push(await countSteps(() => request(method, path)))
    }
    const [few = 0, many = 0] = steps
    expect(few).toBeGreaterThan(500)
    // With one step for each pair of messages there would be 16 times as many.
    expect(many / few).toBeLessThan(6)
  })
})
