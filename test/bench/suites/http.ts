import { mailDevApi, mailpitApi } from '../contenders/http-peers.ts'
import { lab } from '../contenders/lab.ts'
import { EventListeners } from '../frame/event-listeners.ts'
import { HttpClient } from '../frame/http.ts'
import { inboxOf, RARE_WORD } from '../frame/inbox.ts'
import type { HttpApi, RateSuite, Target, Workload } from '../frame/types.ts'

const MESSAGES = 10_000
const LISTENERS = 1_000
const SENT_PER_SECOND = 20
const PAGE = 'limit=50'
const DEEP = 9_000

/** How each API is asked for the same, as far as it offers it. `{n}` is the number of the request. */
type Paths = Partial<Record<HttpApi, string | ((client: HttpClient) => Promise<string>)>>

const DRAFT = { to: ['alice@lab.test'], subject: 'Sent by HTTP', text: 'A message of the benchmark.\n'.repeat(20) }

/** Asks one request after another, over one connection. */
function requests(name: string, paths: Paths, before?: (client: HttpClient) => Promise<unknown>): Workload {
  return {
    name,
    unit: 'requests',
    suits: ({ api }) => api !== undefined && paths[api] !== undefined,
    async run(target, untilMs, took) {
      const client = new HttpClient(target)
      const given = paths[target.api as HttpApi] ?? ''
      const path = typeof given === 'string' ? given : await given(client)
      let done = 0
      for (; performance.now() < untilMs; done++) {
        await before?.(client)
        const asked = performance.now()
        await client.get(path.replace('{n}', `${done}`))
        took(performance.now() - asked)
      }
      client.close()
      return done
    },
  }
}

const search = (query: string, maildev?: string): Workload =>
  requests(`search ${query}`, {
    sealpost: `/api/v1/messages?${PAGE}&query=${encodeURIComponent(query)}`,
    mailpit: `/api/v1/search?${PAGE}&query=${encodeURIComponent(query)}`,
    ...(maildev !== undefined && { maildev }),
  })

/** Returns the path of a page that is reached over all pages before it. */
async function deepPage(client: HttpClient): Promise<string> {
  let next = ''
  for (let at = 0; at < DEEP; at += 1_000) {
    const { next: cursor } = await client.get<{ next: string }>(`/api/v1/messages?limit=1000${next}`)
    next = `&cursor=${cursor}`
  }
  return `/api/v1/messages?${PAGE}${next}`
}

const firstId = async (client: HttpClient): Promise<string> => {
  const { items } = await client.get<{ items: { id: string }[] }>('/api/v1/messages?limit=1')
  return `/api/v1/messages/${items[0]?.id}`
}

const send = (client: HttpClient): Promise<unknown> => client.post('/api/v1/messages', DRAFT)

/** Marks a message in the middle of the list as read or unread. */
async function markOne(client: HttpClient): Promise<void> {
  const { items } = await client.get<{ items: { id: string; read: boolean }[] }>(
    `/api/v1/messages?limit=1&offset=${MESSAGES / 2}`,
  )
  await client.patch(`/api/v1/messages/${items[0]?.id}`, { read: !items[0]?.read })
}

const sending: Workload = {
  name: 'send a message of 600 octets',
  unit: 'messages',
  suits: ({ api }) => api === 'sealpost' || api === 'mailpit',
  async run(target, untilMs, took) {
    const client = new HttpClient(target)
    const { to, subject, text } = DRAFT
    const mailpit = {
      From: { Email: 'bob@lab.test' },
      To: to.map((Email) => ({ Email })),
      Subject: subject,
      Text: text,
    }
    const isMailpit = target.api === 'mailpit'
    let sent = 0
    for (; performance.now() < untilMs; sent++) {
      const asked = performance.now()
      await (isMailpit ? client.post('/api/v1/send', mailpit) : send(client))
      took(performance.now() - asked)
    }
    client.close()
    return sent
  },
}

const EVENTS = '/api/v1/events?types=message.received'
const open = new WeakMap<Target, EventListeners>()

/** Counts the events that arrive at all listeners. The latency is the time from a request to send until each arrival. */
const events: Workload = {
  name: `${LISTENERS} listeners of events, ${SENT_PER_SECOND} messages a second`,
  unit: 'events',
  suits: ({ api }) => api === 'sealpost',
  async run(target: Target, untilMs, took) {
    // The first round, which does not count, opens the connections.
    const listeners = open.get(target) ?? (await EventListeners.open(target, EVENTS, LISTENERS))
    open.set(target, listeners)
    const client = new HttpClient(target)
    const arrived = listeners.listen(took)
    let sent = 0
    for (let at = performance.now(); at < untilMs; at += 1_000 / SENT_PER_SECOND, sent++) {
      await new Promise((resolve) => setTimeout(resolve, at - performance.now()))
      listeners.expect(`event ${sent}`)
      await client.post('/api/v1/messages', { ...DRAFT, subject: `event ${sent}` })
    }
    await arrived(sent)
    client.close()
    return sent * LISTENERS
  },
}

const inbox = inboxOf(MESSAGES)
const listed: Paths = {
  sealpost: `/api/v1/messages?${PAGE}`,
  mailpit: `/api/v1/messages?${PAGE}`,
  maildev: `/api/email/summary?${PAGE}`,
}

export const suite: RateSuite = {
  kind: 'rates',
  title: `HTTP API, ${MESSAGES} messages`,
  contenders: [
    lab({
      protocol: 'http',
      messages: inbox,
      server: { limits: { connections: 'off', connectionsPerAddress: 'off' } },
    }),
    mailDevApi(inbox),
    mailpitApi(inbox),
  ],
  workloads: [
    requests('list, first page of 50', listed),
    requests('list, page of 50 after 9,000', {
      sealpost: deepPage,
      mailpit: `/api/v1/messages?${PAGE}&start=${DEEP}`,
      maildev: `/api/email/summary?${PAGE}&skip=${DEEP}`,
    }),
    search(RARE_WORD, `/api/email/summary?${PAGE}&search=${RARE_WORD}`),
    search('invoice', `/api/email/summary?${PAGE}&search=invoice`),
    requests('search for another word each time', {
      sealpost: `/api/v1/messages?${PAGE}&query=invoice{n}`,
      mailpit: `/api/v1/search?${PAGE}&query=invoice{n}`,
      maildev: `/api/email/summary?${PAGE}&search=invoice{n}`,
    }),
    search('from:carol@shop.example', `/api/email?${PAGE}&from.address=carol@shop.example`),
    search('subject:invoice'),
    search('is:unread', `/api/email/summary?${PAGE}&unread=true`),
    search('has:attachment'),
    requests('Mailpit API: list', { sealpost: `/mailpit${listed.mailpit}`, mailpit: listed.mailpit as string }),
    requests('Mailpit API: search invoice', {
      sealpost: `/mailpit/api/v1/search?${PAGE}&query=invoice`,
      mailpit: `/api/v1/search?${PAGE}&query=invoice`,
    }),
    requests('read a message', {
      sealpost: firstId,
      mailpit: '/api/v1/message/latest',
      maildev: async (client) => {
        const { items } = await client.get<{ items: { id: string }[] }>('/api/email/summary?limit=1')
        return `/api/email/${items[0]?.id}`
      },
    }),
    requests('search invoice after each new message', { sealpost: `/api/v1/messages?${PAGE}&query=invoice` }, send),
    requests('Mailpit API: list after each new message', { sealpost: `/mailpit${listed.mailpit}` }, send),
    requests('Mailpit API: list after each change of a flag', { sealpost: `/mailpit${listed.mailpit}` }, markOne),
    requests(
      'Mailpit API: search invoice after each new message',
      { sealpost: `/mailpit/api/v1/search?${PAGE}&query=invoice` },
      send,
    ),
    sending,
    events,
  ],
}
