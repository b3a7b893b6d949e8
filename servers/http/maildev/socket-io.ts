import { randomBytes } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { ApiProblem } from '../../../src/api/problem.ts'
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../../src/core/time/real-timers.ts'
import { bodyOf as octetsOf } from '../body.ts'
import { mailOfCopies } from '../delivered-mail.ts'
import { type FeedClient, MailFeed, sendText, socketClient } from '../mail-feed.ts'
import { type Route, type RouteCall, reads } from '../routes.ts'
import { formIfThere, textResponse } from '../tool-mail.ts'
import type { Form } from './list.ts'

// Engine.IO 4 and Socket.IO 5 with their default namespace, by WebSocket and by long polling:
// https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/

const [PING, PONG, CONNECT, EVENT] = ['2', '3', '40', '42']
const [CLOSE, DISCONNECT] = ['1', '41']
const SEPARATOR = '\x1e'
const PING_MS = 25_000
const TIMEOUT_MS = 20_000
const MAX_PAYLOAD = 4_096
/** Events that a client by polling has not fetched. */
const MAX_QUEUED = 1_000

const newId = (): string => randomBytes(15).toString('base64url')

/** The first packet of a connection. */
const opening = (sid: string): string =>
  `0${JSON.stringify({ sid, upgrades: [], pingInterval: PING_MS, pingTimeout: TIMEOUT_MS, maxPayload: MAX_PAYLOAD })}`

type Begin = Awaited<ReturnType<typeof MailFeed.prepare>>

/** Answers the packets of a client. The events begin when it connects to the default namespace. */
function receiver(call: RouteCall, form: Form, begin: Begin, client: FeedClient, send: (packet: string) => void) {
  let isConnected = false
  const emit = (name: string, data: unknown): void => send(EVENT + JSON.stringify([name, data]))
  return (packet: string): void => {
    if (packet === CLOSE || packet === DISCONNECT) return client.close(false)
    if (packet === PING) return send(PONG)
    // With or without data for authentication, which the request has brought already.
    if (isConnected || !/^40(?:\{.*)?$/s.test(packet)) return
    isConnected = true
    send(CONNECT + JSON.stringify({ sid: newId() }))
    begin(client, (feed) => ({
      async received(message) {
        const mail = await formIfThere(call.api, mailOfCopies([message], call.caller), form)
        if (mail) emit('newMail', mail)
      },
      deleted(ids) {
        const all = feed.isEmpty ? ['all'] : ids
        for (const id of ids.length === 1 ? ids : all) emit('deleteMail', { id })
      },
      reset: () => emit('deleteMail', { id: 'all' }),
    }))
  }
}

/** A connection by long polling. */
class Polling implements FeedClient {
  readonly #listeners: (() => void)[] = []
  readonly #pings: NodeJS.Timeout
  #queue: string[] = []
  #wake: (() => void) | undefined
  #expiry: NodeJS.Timeout | undefined
  isOpen = true
  /** Answers a packet of the client. */
  receive: (packet: string) => void = () => {}

  constructor() {
    this.#pings = setInterval(() => this.send(PING), PING_MS)
    this.#expire()
  }

  readonly send = (packet: string): void => {
    if (this.#queue.push(packet) > MAX_QUEUED) this.close()
    this.#wake?.()
  }

  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    clearInterval(this.#pings)
    clearTimeout(this.#expiry)
    this.#queue.push(CLOSE)
    this.#wake?.()
    for (const listener of this.#listeners) listener()
  }

  onClose(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves with the next packets. */
  async next(signal: AbortSignal): Promise<string> {
    clearTimeout(this.#expiry)
    if (this.#queue.length === 0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    this.#wake = undefined
    if (this.isOpen) this.#expire()
    return this.#queue.splice(0).join(SEPARATOR)
  }

  /** Ends the connection of a client that does not ask again. */
  #expire(): void {
    this.#expiry = setTimeout(() => this.close(), PING_MS + TIMEOUT_MS)
  }
}

/** The connections by long polling of each lab, by id. */
const polled = new WeakMap<Api, Map<string, Polling>>()

function pollingsOf(api: Api): Map<string, Polling> {
  let all = polled.get(api)
  if (!all) {
    const opened = new Map<string, Polling>()
    polled.set(api, opened)
    api.stopping.addEventListener('abort', () => {
      for (const one of opened.values()) one.close()
    })
    all = opened
  }
  return all
}

/** Most connections by long polling. */
const MAX_POLLINGS = 100

async function open(call: RouteCall, form: Form): Promise<Response> {
  const { c, api } = call
  const begin = await MailFeed.prepare(call)
  if (c.env.accept) {
    c.env.accept((socket) => {
      const send = (packet: string): void => sendText(socket, packet)
      const receive = receiver(call, form, begin, socketClient(socket), send)
      const pings = setInterval(() => send(PING), PING_MS)
      socket.on('close', () => clearInterval(pings))
      socket.on('message', (data) => receive(`${data}`))
      send(opening(newId()))
    })
    c.set('isUpgraded', true)
    return c.body(null, 204)
  }
  const pollings = pollingsOf(api)
  if (pollings.size >= MAX_POLLINGS)
    throw new ApiProblem('busy', `there are ${MAX_POLLINGS} connections by long polling`)
  const sid = newId()
  const polling = new Polling()
  polling.receive = receiver(call, form, begin, polling, polling.send)
  pollings.set(sid, polling)
  polling.onClose(() => pollings.delete(sid))
  return textResponse(call, opening(sid))
}

/** @throws ApiProblem `bad-request` for an unknown connection, after which a client opens another one */
function pollingOf({ api, c }: RouteCall): Polling {
  const found = pollingsOf(api).get(c.req.query('sid') ?? '')
  if (found) return found
  throw new ApiProblem('bad-request', 'Session ID unknown', { code: 1, message: 'Session ID unknown' })
}

/** Creates the routes of Socket.IO, which send new messages in a form. */
export function socketIoRoutes(form: Form): Route[] {
  return ['/socket.io', '/socket.io/'].flatMap((path) => [
    reads(path, async (call) => {
      const { sid, EIO } = call.c.req.query()
      if (EIO !== '4') throw new ApiProblem('bad-request', 'Unsupported protocol version', { code: 5 })
      if (sid === undefined) return open(call, form)
      return textResponse(call, await pollingOf(call).next(call.c.req.raw.signal))
    }),
    {
      method: 'POST',
      path,
      access: 'read',
      async run(call) {
        const polling = pollingOf(call)
        const packets = (await octetsOf(call.c, MAX_PAYLOAD)).toString('utf8').split(SEPARATOR)
        for (const packet of packets) polling.receive(packet)
        return textResponse(call, 'ok')
      },
    },
  ])
}
