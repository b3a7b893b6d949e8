import { expect, it } from 'vitest'
import { problems } from '../../../src/api/problem.ts'
import { HttpLab } from './client.ts'

const http = HttpLab.ofTests({ virtualServers: [{ protocol: 'http', certificate: 'none' }] })

it('describes every operation and every problem, and its links lead somewhere', async () => {
  const { status, headers, body } = await http.request('/api/docs')
  expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=UTF-8'])
  const ids = [...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)
  expect(new Set(ids).size).toBe(ids.length)
  const { paths } = (await http.request('/api/openapi.json')).body
  for (const methods of Object.values<Record<string, { operationId: string }>>(paths)) {
    for (const { operationId } of Object.values(methods)) expect(ids).toContain(operationId)
  }
  for (const name of Object.keys(problems)) expect(ids).toContain(`problem-${name}`)
  const links = [...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(links.filter((id) => !ids.includes(id))).toEqual([])
  const { type } = (await http.request('/api/v1/messages/none')).body
  expect(ids).toContain(type.split('#')[1])
})

it('runs no script and loads nothing', async () => {
  const { headers, body } = await http.request('/api/docs')
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'unsafe-inline'; /)
  expect(body).not.toMatch(/<script|<img|<link|<iframe|https?:\/\//)
})

it('links to the OpenAPI document below any base path', async () => {
  const { body } = await http.request('/api/docs')
  const [, link = ''] = /<a href="([^"]*openapi[^"]*)"/.exec(body) ?? []
  expect(new URL(link, 'http://proxy.test/mail/api/docs').pathname).toBe('/mail/api/openapi.json')
})
