import createClient from 'openapi-fetch'
// The test generates it from the OpenAPI document.
import type { components, paths } from 'sealpost-api'

export interface Walk {
  /** The mail that the tenant has read. */
  readonly message: components['schemas']['Message']
  readonly tags: readonly string[]
  readonly total: number
  readonly raw: string
  readonly fault: components['schemas']['Fault']
  readonly hits: number | null | undefined
  readonly thumbprint: unknown
  readonly certificate: components['schemas']['Certificate']
  readonly pem: string
  readonly problem: components['schemas']['Problem']
}

/**
 * Uses the lab as a program would that has only its OpenAPI document: sends, waits and reads as a tenant, adds a fault,
 * issues a certificate.
 * @param sendBySmtp sends a message, which the fault must refuse
 */
export async function walk(baseUrl: string, sendBySmtp: () => Promise<unknown>): Promise<Walk> {
  const lab = createClient<paths>({ baseUrl })
  const tenant = await lab.POST('/api/v1/tenants', { body: { accounts: ['alice'] } })
  if (!tenant.data) throw new Error(tenant.error.detail)
  const { name, token, accounts } = tenant.data
  const mine = createClient<paths>({ baseUrl: `${baseUrl}/t/${name}`, headers: { Authorization: `Bearer ${token}` } })
  const to = accounts[0]?.user ?? ''
  await mine.POST('/api/v1/messages', { body: { to: [to], subject: 'Your code', text: 'Your code is 123456.' } })
  const arrived = await mine.POST('/api/v1/wait', { body: { to, subject: 'code', timeout: '10s' } })
  if (!arrived.data) throw new Error(arrived.error.detail)
  const params = { path: { id: arrived.data.id } }
  const message = await mine.GET('/api/v1/messages/{id}', { params })
  const changed = await mine.PATCH('/api/v1/messages/{id}', { params, body: { read: true, tags: ['checkout'] } })
  const list = await mine.GET('/api/v1/messages', { params: { query: { query: 'tag:checkout', limit: 5 } } })
  const raw = await mine.GET('/api/v1/messages/{id}/raw', { params, parseAs: 'text' })

  const fault = await lab.POST('/api/v1/faults', { body: { when: { verb: 'RCPT' }, do: { reply: '550 5.1.1 No' } } })
  await sendBySmtp()
  const faults = await lab.GET('/api/v1/faults')
  const faultId = fault.data?.id ?? ''
  await lab.DELETE('/api/v1/faults/{id}', { params: { path: { id: faultId } } })

  const issued = await lab.POST('/api/v1/certificates', { body: { for: 'imap4', friendlyName: 'Mine', key: 'p256' } })
  const certificate = await lab.GET('/api/v1/certificates/{name}', { params: { path: { name: 'Mine' } } })
  const pem = await lab.POST('/api/v1/certificates/{name}/export', {
    params: { path: { name: 'Mine' } },
    body: { format: 'pem' },
    parseAs: 'text',
  })
  const { error: problem } = await mine.GET('/api/v1/messages/{id}', { params: { path: { id: 'none' } } })
  if (!message.data || !changed.data || !list.data || !fault.data || !certificate.data || !problem) {
    throw new Error('an answer is missing')
  }
  return {
    message: message.data,
    tags: changed.data.tags,
    total: list.data.total,
    raw: raw.data ?? '',
    fault: fault.data,
    hits: faults.data?.items.find(({ id }) => id === faultId)?.hits,
    thumbprint: issued.data?.thumbprint,
    certificate: certificate.data,
    pem: pem.data ?? '',
    problem,
  }
}

/** The types refuse what the lab would refuse. */
export async function mistakes(baseUrl: string): Promise<void> {
  const lab = createClient<paths>({ baseUrl })
  // @ts-expect-error a parameter that does not exist
  await lab.GET('/api/v1/messages', { params: { query: { limt: 5 } } })
  // @ts-expect-error a path that does not exist
  await lab.GET('/api/v1/mails')
  // @ts-expect-error a method that does not exist
  await lab.PUT('/api/v1/messages')
  // @ts-expect-error a missing value
  await lab.POST('/api/v1/messages', { body: { subject: 'Hello' } })
  // @ts-expect-error a value of another type
  await lab.PATCH('/api/v1/messages/{id}', { params: { path: { id: '1' } }, body: { read: 'yes' } })
  // @ts-expect-error a value of another choice
  await lab.POST('/api/v1/newsgroups', { body: { name: 'lab.a', posting: 'maybe' } })
}
