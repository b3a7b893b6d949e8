import type { CertificateLab } from '../cli/cert-support.ts'
import type { Answer, HttpLab, RequestOptions } from './client.ts'

/** A call of an operation, with the parts of its path filled in. */
export interface OperationCall extends Omit<RequestOptions, 'headers'> {
  readonly path: string
  /** The media type of `body`. */
  readonly type?: string
}

/** Prepares the lab for a call. */
export interface Stage {
  readonly http: HttpLab
  /** An authority outside of the lab. */
  readonly outside: CertificateLab
  /** Calls something as an administrator. */
  call(call: OperationCall): Promise<Answer>
}

type Case = (stage: Stage) => OperationCall | Promise<OperationCall>

let count = 0
const fresh = (): string => `n${++count}`

const ofMessage =
  (more: (id: string) => OperationCall): Case =>
  async ({ http, call }) => {
    const subject = fresh()
    const attachments = [{ filename: 'a.txt', content: 'octets' }]
    await http.lab.deliver({ to: 'alice@lab.test', subject, html: '<b>HTML</b>', attachments }, { to: 'alice' })
    return more((await call({ path: `messages?query=subject:${subject}` })).body.items[0].id)
  }

/** Calls something first, and uses its answer. */
const after =
  (first: Case, more: (body: Answer['body'], stage: Stage) => ReturnType<Case>): Case =>
  async (stage) => {
    const { body } = await stage.call(await first(stage))
    return more(body, stage)
  }

const folder: Case = () => ({ path: 'folders', json: { account: 'alice', name: `Folder ${fresh()}` } })
const group: Case = () => ({ path: 'newsgroups', json: { name: `lab.${fresh()}` } })
const tenant: Case = () => ({ path: 'tenants', json: { name: fresh() } })
const fault: Case = () => ({ path: 'faults', json: { when: { verb: 'VRFY' }, do: { reply: '550 5.1.1 No' } } })
const authority: Case = () => ({ path: 'authorities', json: { name: fresh(), key: 'p256', type: 'standalone' } })
const newRequest: Case = async ({ call }) => {
  await call({ path: 'requests/imap4', method: 'DELETE' })
  return { path: 'requests', json: { for: 'imap4', commonName: 'localhost', key: 'p256' } }
}
const certificate =
  (more: (name: string, stage: Stage) => ReturnType<Case>): Case =>
  async (stage) => {
    const friendlyName = fresh()
    await stage.call({ path: 'certificates', json: { for: 'imap4', friendlyName, key: 'p256' } })
    return more(friendlyName, stage)
  }

async function csr(outside: CertificateLab): Promise<string> {
  await outside.openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'k.pem',
    '-subj',
    '/CN=a.test',
    '-out',
    'a.csr',
  )
  return outside.text('a.csr')
}

const octets = 'application/octet-stream'

/** A call of every operation that succeeds for an administrator. */
export const operationCases: Readonly<Record<string, Case>> = {
  'messages.list': () => ({ path: 'messages?limit=2&query=is:unread' }),
  'messages.deleteAll': () => ({ path: 'messages?query=subject:nothing', method: 'DELETE' }),
  'messages.send': () => ({ path: 'messages', json: { to: ['alice'], subject: 'Hello', text: 'Text' } }),
  'messages.import': () => ({
    path: 'messages/import?to=alice',
    type: 'message/rfc822',
    body: 'Subject: A\r\n\r\nText\r\n',
  }),
  'messages.get': ofMessage((id) => ({ path: `messages/${id}` })),
  'messages.headers': ofMessage((id) => ({ path: `messages/${id}/headers` })),
  'messages.text': ofMessage((id) => ({ path: `messages/${id}/text` })),
  'messages.html': ofMessage((id) => ({ path: `messages/${id}/html` })),
  'messages.raw': ofMessage((id) => ({ path: `messages/${id}/raw` })),
  'messages.structure': ofMessage((id) => ({ path: `messages/${id}/structure` })),
  'messages.part': ofMessage((id) => ({ path: `messages/${id}/parts/2` })),
  'messages.update': ofMessage((id) => ({
    path: `messages/${id}`,
    method: 'PATCH',
    json: { read: true, tags: ['a'] },
  })),
  'messages.move': ofMessage((id) => ({ path: `messages/${id}/move`, json: { folder: 'Archive' } })),
  'messages.delete': ofMessage((id) => ({ path: `messages/${id}`, method: 'DELETE' })),
  wait: async ({ http }) => {
    const subject = fresh()
    await http.lab.deliver({ to: 'alice@lab.test', subject }, { to: 'alice' })
    return { path: 'wait', json: { subject, timeout: '10s' } }
  },
  'folders.list': () => ({ path: 'folders' }),
  'folders.create': folder,
  'folders.rename': after(folder, ({ id }) => ({ path: `folders/${id}`, method: 'PATCH', json: { name: fresh() } })),
  'folders.delete': after(folder, ({ id }) => ({ path: `folders/${id}`, method: 'DELETE' })),
  'accounts.list': () => ({ path: 'accounts' }),
  'newsgroups.create': group,
  'newsgroups.delete': after(group, ({ name }) => ({ path: `newsgroups/${name}`, method: 'DELETE' })),
  'sessions.list': () => ({ path: 'sessions?limit=3' }),
  'sessions.get': after(
    () => ({ path: 'sessions' }),
    ({ items }) => ({ path: `sessions/${items[0].id}` }),
  ),
  'virtualServers.list': () => ({ path: 'virtual-servers' }),
  'virtualServers.get': () => ({ path: 'virtual-servers/default-smtp-virtual-server' }),
  'certificates.list': () => ({ path: 'certificates' }),
  'certificates.issue': () => ({ path: 'certificates', json: { for: 'imap4', friendlyName: fresh(), key: 'p256' } }),
  'certificates.import': certificate(async (name, { call }) => {
    const { body } = await call({ path: `certificates/${name}/export`, json: { format: 'pem' } })
    await call({ path: 'certificates/unassign', json: { for: 'imap4' } })
    await call({ path: `certificates/${name}`, method: 'DELETE' })
    return { path: 'certificates/import', type: octets, body }
  }),
  'certificates.unassign': certificate(() => ({ path: 'certificates/unassign', json: { for: 'imap4' } })),
  'certificates.get': certificate((name) => ({ path: `certificates/${name}` })),
  'certificates.rename': certificate((name) => ({
    path: `certificates/${name}`,
    method: 'PATCH',
    json: { friendlyName: fresh() },
  })),
  'certificates.delete': certificate(async (name, { call }) => {
    await call({ path: 'certificates/unassign', json: { for: 'imap4' } })
    return { path: `certificates/${name}`, method: 'DELETE' }
  }),
  'certificates.renew': certificate((name) => ({ path: `certificates/${name}/renew`, json: {} })),
  'certificates.assign': certificate((name) => ({ path: `certificates/${name}/assign`, json: { for: 'smtp' } })),
  'certificates.export': certificate((name) => ({ path: `certificates/${name}/export`, json: { format: 'pem' } })),
  'requests.list': () => ({ path: 'requests' }),
  'requests.create': newRequest,
  'requests.cancel': after(newRequest, () => ({ path: 'requests/imap4', method: 'DELETE' })),
  'requests.install': after(newRequest, async ({ pem }, { outside }) => {
    outside.write('certreq.txt', pem)
    await outside.sign('outside', 'certreq.txt', 'answer.pem')
    return { path: 'requests/install', type: octets, body: outside.text('answer.pem') }
  }),
  'authorities.list': () => ({ path: 'authorities' }),
  'authorities.create': authority,
  'authorities.roots': () => ({ path: 'authorities/roots' }),
  'authorities.answer': after(authority, async ({ name }, { call }) => {
    await call({ path: 'requests/imap4', method: 'DELETE' })
    await call({ path: 'certificates', json: { for: 'imap4', friendlyName: fresh(), key: 'p256', authority: name } })
    const { items } = (await call({ path: 'authorities/requests' })).body
    const { id } = items.find((one: { authority: string }) => one.authority === name)
    return { path: `authorities/requests/${id}`, json: { decision: 'approve' } }
  }),
  'authorities.requests': () => ({ path: 'authorities/requests' }),
  'authorities.sign': async ({ outside }) => ({
    path: 'authorities/sign?days=3',
    type: octets,
    body: await csr(outside),
  }),
  'authorities.export': after(authority, ({ name }) => ({ path: `authorities/${name}/certificate` })),
  'authorities.issued': after(authority, ({ name }) => ({ path: `authorities/${name}/issued` })),
  'authorities.delete': after(authority, ({ name }) => ({ path: `authorities/${name}`, method: 'DELETE' })),
  'authorities.revoke': after(authority, async ({ name }, { outside, call }) => {
    await call({ path: `authorities/sign?authority=${name}&days=3`, type: octets, body: await csr(outside) })
    const { items } = (await call({ path: `authorities/${name}/issued` })).body
    return { path: 'authorities/revoke', json: { certificate: items[0].serial } }
  }),
  'faults.list': () => ({ path: 'faults' }),
  'faults.add': fault,
  'faults.remove': after(fault, ({ id }) => ({ path: `faults/${id}`, method: 'DELETE' })),
  'webhooks.list': () => ({ path: 'webhooks' }),
  'webhooks.deliveries': () => ({ path: 'webhooks/deliveries' }),
  'tenants.create': tenant,
  'tenants.list': () => ({ path: 'tenants' }),
  'tenants.delete': after(tenant, ({ name }) => ({ path: `tenants/${name}`, method: 'DELETE' })),
  'status.get': () => ({ path: 'status' }),
  reset: () => ({ path: 'reset', json: {} }),
}
