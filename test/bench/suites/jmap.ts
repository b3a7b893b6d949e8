import { cyrus } from '../contenders/cyrus.ts'
import { lab } from '../contenders/lab.ts'
import { HttpClient } from '../frame/http.ts'
import { inboxOf, RARE_WORD } from '../frame/inbox.ts'
import type { RateSuite, Workload } from '../frame/types.ts'

const messages = inboxOf(10_000)
const headers = { Authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` }
const using = ['core', 'mail'].map((name) => `urn:ietf:params:jmap:${name}`)
const PAGE = 50
const newest = { sort: [{ property: 'receivedAt', isAscending: false }], limit: PAGE }

type Call = readonly [method: string, args: object]

/** Asks one request after another, over one connection. */
const requests = (name: string, ...calls: readonly Call[]): Workload => ({
  name,
  unit: 'requests',
  async run(target, untilMs) {
    const client = new HttpClient(target, headers)
    const path = target.api === 'sealpost' ? '/jmap/api' : '/jmap/'
    const methodCalls = calls.map(([method, args], at) => [method, { accountId: 'alice', ...args }, `${at}`])
    let done = 0
    for (; performance.now() < untilMs; done++) {
      const { methodResponses } = await client.post<{ methodResponses: [string][] }>(path, { using, methodCalls })
      const failed = methodResponses.find(([method], at) => method !== calls[at]?.[0])
      if (failed) throw new Error(`${name}: ${JSON.stringify(failed)}`)
    }
    client.close()
    return done
  },
})

const query = (args: object): Call => ['Email/query', { ...newest, ...args }]
const got = (properties: readonly string[], more: object = {}): Call => [
  'Email/get',
  { '#ids': { resultOf: '0', name: 'Email/query', path: '/ids' }, properties, ...more },
]

export const suite: RateSuite = {
  kind: 'rates',
  title: 'JMAP',
  contenders: [lab({ protocol: 'http', messages }), cyrus(messages)],
  workloads: [
    requests('Email/query, the newest 50', query({})),
    requests('Email/query, 50 from the middle', query({ position: messages.length / 2 })),
    requests('Email/query, a rare word', query({ filter: { text: RARE_WORD } })),
    requests(
      'Email/query and Email/get of 50 for a list',
      query({}),
      got(['threadId', 'mailboxIds', 'keywords', 'from', 'subject', 'receivedAt', 'preview']),
    ),
    requests(
      'Email/query and Email/get of 50 with their texts',
      query({}),
      got(['bodyValues', 'textBody'], { fetchTextBodyValues: true }),
    ),
  ],
}
