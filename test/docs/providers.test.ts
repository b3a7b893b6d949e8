import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from '../servers/http/client.ts'

/** A request to each provider with a key. */
const requests = {
  sendgrid: ['v3/mail/send', (key: string) => bearer(`SG.${key}`)],
  postmark: ['email', (key: string) => ({ 'X-Postmark-Server-Token': key })],
  mailgun: ['v3/lab.test/messages', (key: string) => basic('api', key)],
  resend: ['emails', (key: string) => bearer(`re_${key}`)],
  brevo: ['v3/smtp/email', (key: string) => ({ 'api-key': `xkeysib-${key}` })],
  mailjet: ['v3.1/send', (key: string) => basic('id', key)],
} as const
type Name = keyof typeof requests
const names = Object.keys(requests) as Name[]

/** The rows of the table "Refusals" of a page: the reason, the status, and the words. */
const rowsOf = (name: Name) => {
  const [, table = ''] = readFileSync(`docs/providers/${name}.md`, 'utf8').split('## Refusals')
  return [...table.matchAll(/^\| ([a-z-]+) \| (\d+) \| (.*?) \|/gm)].map(([, reason = '', status, cell = '']) => ({
    reason,
    status: Number(status),
    words: [...cell.matchAll(/`([^`]+)`/g)]
      .map(([, word = '']) => word)
      .filter((word) => !/^-|^x-|limit-|^retry-/i.test(word)),
  }))
}
const reasons = [...new Set(names.flatMap((name) => rowsOf(name).map(({ reason }) => reason)))]
const keyOf = (reason: string): string => `00000000-0000-0000-0000-00000000000${reasons.indexOf(reason)}`
const prefixes: Partial<Record<Name, string>> = { sendgrid: 'SG.', resend: 're_', brevo: 'xkeysib-' }

const http = HttpLab.ofTests({
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: names.map((provider) => ({
        provider,
        keys: reasons.map((reason) => ({
          secret: `${prefixes[provider] ?? ''}${keyOf(reason)}`,
          answer: reason as 'quota',
        })),
      })),
    },
  ],
})

describe.each(names)('docs/providers/%s.md', (name) => {
  it.each(rowsOf(name))('$reason', async ({ reason, status, words }) => {
    const [path, headersOf] = requests[name]
    const answer = await http.request(`/${name}/${path}`, { json: {}, headers: headersOf(keyOf(reason)) })
    expect(answer.status).toBe(status)
    const said = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    for (const word of words) expect(said).toContain(word)
  })
})
