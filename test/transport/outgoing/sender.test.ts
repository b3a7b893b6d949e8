import { setImmediate } from 'node:timers/promises'
import pino from 'pino'
import { expect, test } from 'vitest'
import { connector as connectorSchema } from '../../../src/core/config/schema/connector.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { StoreQueue } from '../../../src/transport/outgoing/queue/queue.ts'
import type {
  Attempt,
  AttemptResult,
  QueueEvent,
  RecipientResult,
  ResolvedConnector,
} from '../../../src/transport/outgoing/types.ts'

const RAW = Buffer.from('Subject: hello\r\n\r\nbody\r\n')

/** Something that waits until a test lets it go on. */
class Gate {
  passed = 0
  open: () => void = () => {}
  #closed: Promise<void> | undefined

  close(): void {
    this.#closed = new Promise((resolve) => {
      this.open = resolve
    })
  }

  async pass(): Promise<void> {
    this.passed++
    await this.#closed
  }
}

/** A store whose writes of states wait at a gate, and which may lose octets. */
class LimpingStore extends MemoryStore {
  readonly writes = new Gate()
  isLost = false
  keptOctets = RAW.length

  override async changeValues(
    ...args: Parameters<MessageStore['changeValues']>
  ): ReturnType<MessageStore['changeValues']> {
    await this.writes.pass()
    return super.changeValues(...args)
  }

  override async read(...args: Parameters<MessageStore['read']>): Promise<Buffer | undefined> {
    return this.isLost ? undefined : super.read(...args)
  }

  override async *stream(folderId: string, uid: number, start = 0): AsyncGenerator<Buffer, void, void> {
    yield* super.stream(folderId, uid, start, this.keptOctets)
  }
}

/** An attempt that ends when the test says so. */
interface Running {
  readonly attempt: Attempt
  readonly end: (kind: RecipientResult['kind']) => void
  readonly fail: (error: Error) => void
}

/** Starts a queue with messages for carol, whose attempts and reports a test controls. */
async function startQueue(messages = 1, connections = 10) {
  const errors: string[] = []
  const events: QueueEvent['type'][] = []
  const running: Running[] = []
  const reports = new Gate()
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  const store = new LimpingStore({ clock: systemClock })
  const connector = {
    ...connectorSchema.parse({
      name: 'Out',
      when: 'automatic',
      smartHost: { host: 'host.test' },
      schedule: { connections },
    }),
  } as ResolvedConnector
  const queue = new StoreQueue({
    store,
    clock: systemClock,
    log,
    rules: () => ({ connectors: [connector], forwardRules: [], hostname: 'lab.test', isLocalDomain: () => false }),
    reports: { failed: () => reports.pass(), delayed: async () => {}, relayed: async () => {} },
    route: async () => [
      { host: 'host.test', port: 25, tls: 'none', names: ['host.test'], policy: 'none', addresses: ['192.0.2.1'] },
    ],
    client: {
      send: (attempt: Attempt) =>
        new Promise<AttemptResult>((resolve, reject) => {
          const results = (kind: RecipientResult['kind']) =>
            attempt.envelope.recipients.map(({ address }) => ({ address, kind, text: 'reply' }))
          running.push({ attempt, end: (kind) => resolve({ recipients: results(kind) }), fail: reject })
        }),
      async [Symbol.asyncDispose]() {},
    },
  })
  queue.watch(({ type }) => events.push(type))
  const leading = new AbortController()
  void queue.lead(leading.signal)
  const target = {
    mailFrom: 'alice@lab.test',
    rcptTo: ['carol@example.test'],
    outgoing: { connector: 'Out', destination: 'host.test:25', recipients: [{ address: 'carol@example.test' }] },
  }
  for (let at = 0; at < messages; at++) await queue.append(RAW, [target])
  const ids = queue.list().map(({ id }) => id)
  return { queue, ids, store, running, reports, errors, events }
}

test('a flush while the result of an attempt is being written starts no second attempt', async () => {
  const { queue, store, running, events } = await startQueue()
  await expect.poll(() => running.length).toBe(1)
  store.writes.close()
  running[0]?.end('deferred')
  await expect.poll(() => store.writes.passed).toBe(1)
  expect(queue.list()).toMatchObject([{ state: 'deferred' }])
  await queue.flush()
  await setImmediate()
  expect(running).toHaveLength(1)
  store.writes.open()
  await expect.poll(() => running.length).toBe(2)
  running[1]?.end('sent')
  await expect.poll(() => queue.size).toBe(0)
  expect(events).toEqual(['queued', 'attempted', 'deferred', 'attempted', 'sent'])
  expect(running).toHaveLength(2)
  await queue[Symbol.asyncDispose]()
})

test('a message that gets its turn while a flush writes is not sent again', async () => {
  const { queue, store, running, ids } = await startQueue(4, 2)
  await expect.poll(() => running.length).toBe(2)
  await queue.hold(ids.slice(3))
  store.writes.close()
  const flushed = queue.flush()
  running[0]?.end('sent')
  await expect.poll(() => running.length).toBe(3)
  running[1]?.end('sent')
  await expect.poll(() => queue.size).toBe(2)
  store.writes.open()
  await flushed
  await expect.poll(() => running.length).toBe(4)
  expect(queue.list()).toMatchObject([{ state: 'sending' }, { state: 'sending' }])
  for (const { end } of running) end('sent')
  await queue[Symbol.asyncDispose]()
})

test('a flush while a failure is being reported sends no second report', async () => {
  const { queue, running, reports, events } = await startQueue()
  await expect.poll(() => running.length).toBe(1)
  reports.close()
  running[0]?.end('failed')
  await expect.poll(() => reports.passed).toBe(1)
  await queue.flush()
  await setImmediate()
  reports.open()
  await expect.poll(() => queue.size).toBe(0)
  await queue[Symbol.asyncDispose]()
  expect(reports.passed).toBe(1)
  expect(events).toEqual(['queued', 'attempted', 'failed'])
})

test('a flush while a message is given up sends no second report', async () => {
  const { queue, ids, running, reports } = await startQueue()
  await expect.poll(() => running.length).toBe(1)
  reports.close()
  const given = queue.bounce(ids)
  running[0]?.end('deferred')
  await expect.poll(() => reports.passed).toBe(1)
  await queue.flush()
  await setImmediate()
  reports.open()
  expect(await given).toBe(1)
  await queue[Symbol.asyncDispose]()
  expect(reports.passed).toBe(1)
  expect(queue.size).toBe(0)
})

test.each(['bounce', 'delete'] as const)('%s of several messages lets none be sent again', async (operation) => {
  const { queue, ids, running, events } = await startQueue(2)
  await expect.poll(() => running.length).toBe(2)
  const ended = queue[operation](ids)
  expect(running.map(({ attempt }) => attempt.signal.aborted)).toEqual([true, true])
  running[0]?.end('deferred')
  await expect.poll(() => events).toContain('deferred')
  await setImmediate()
  queue.wake()
  await setImmediate()
  expect(running).toHaveLength(2)
  running[1]?.end('deferred')
  expect(await ended).toBe(2)
  expect(queue.size).toBe(0)
  await queue[Symbol.asyncDispose]()
})

async function octetsOf({ message }: Attempt): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of message()) pieces.push(piece)
  return Buffer.concat(pieces)
}

test('a message that the store has only a part of is not sent short', async () => {
  const { queue, store, running } = await startQueue()
  await expect.poll(() => running.length).toBe(1)
  const { attempt, end } = running[0] as Running
  expect(await octetsOf(attempt)).toEqual(RAW)
  store.keptOctets = 10
  await expect(octetsOf(attempt)).rejects.toThrow(`the store has 10 of ${RAW.length} octets`)
  store.isLost = true
  end('deferred')
  await expect.poll(() => queue.list()).toMatchObject([{ state: 'deferred' }])
  await queue.flush()
  await expect
    .poll(() => queue.list())
    .toMatchObject([{ attempts: 2, reason: expect.stringContaining('no longer has') }])
  expect(running).toHaveLength(1)
  await queue[Symbol.asyncDispose]()
})

test('the attempt of a message that is removed ends quietly', async () => {
  const { queue, store, running, errors, events } = await startQueue()
  await expect.poll(() => running.length).toBe(1)
  const { attempt, fail } = running[0] as Running
  const { id } = await queue.folder()
  await store.expunge(id, [1])
  await octetsOf(attempt).catch(fail)
  await queue[Symbol.asyncDispose]()
  expect(attempt.signal.aborted).toBe(true)
  expect(events).toEqual(['queued', 'attempted', 'deleted'])
  expect(errors).toEqual([])
})
