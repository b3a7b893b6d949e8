import { startLab } from '../../../src/testing/index.ts'
import { inboxOf } from '../frame/inbox.ts'
import { mailOf } from '../frame/mail.ts'

interface Settings {
  /** Messages in the INBOX of alice when the lab starts. */
  readonly count: number
  /** Whether they are short and alike, instead of the mail of an application. */
  readonly short: boolean
  readonly store: 'memory' | { readonly lmdb: string }
}

/** Octets of a short message. */
const SHORT = 600

// A lab with SMTP and the console.
const { count, short, store } = JSON.parse(process.argv[2] ?? '{}') as Settings
const lab = await startLab({
  certificates: 'memory',
  store: store === 'memory' ? { memory: '8GiB' } : store,
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
})
const messages = short ? Array.from({ length: count }, (_, number) => mailOf(SHORT, number)) : inboxOf(count)
for (const message of messages) await lab.deliver(message, { to: 'alice' })

process.on('message', (what) => {
  if (what !== 'heap') return
  global.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  process.send?.(heapUsed + external)
})
process.on('SIGTERM', async () => {
  await lab.stop()
  process.exit(0)
})
process.send?.({ port: lab.server('http').port, smtpPort: lab.server('smtp').port })
