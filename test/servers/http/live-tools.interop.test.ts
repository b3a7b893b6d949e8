import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { HttpLab } from './client.ts'

// The clients that the pages of smtp4dev and MailDev use, from the npm registry.
const folder = newFolder()
let load: NodeJS.Require
beforeAll(() => {
  const options = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  execFileSync('npm', ['install', ...options, '@microsoft/signalr@10', 'socket.io-client@4'], { stdio: 'ignore' })
  load = createRequire(join(folder, 'package.json'))
}, 300_000)

const http = HttpLab.ofTests()

const deliver = (subject: string): Promise<void> =>
  http.lab.deliver({ from: 'shop@example.com', to: 'alice@lab.test', subject }, { to: 'alice' })

const PATIENCE = { timeout: 60_000 }

describe('@microsoft/signalr', () => {
  it('is told of messages by the hub of smtp4dev', async () => {
    const { HubConnectionBuilder, LogLevel } = load('@microsoft/signalr')
    const connection = new HubConnectionBuilder()
      .withUrl(`${http.base}/smtp4dev/hubs/notifications`)
      .configureLogging(LogLevel.None)
      .build()
    const told: string[] = []
    connection.on('messageschanged', (mailbox: string) => told.push(mailbox))
    await connection.start()
    await deliver('One')
    await expect.poll(() => told, PATIENCE).toContain('Default')
    await connection.stop()
  })
})

describe('socket.io-client', () => {
  it.each([['polling'], ['websocket']])('receives new and deleted mail of MailDev by %s', async (transport) => {
    const { io } = load('socket.io-client')
    const socket = io(http.base, { path: '/maildev/socket.io', transports: [transport], forceNew: true })
    const told: { subject?: string; id: string }[] = []
    socket.on('newMail', (mail: { subject: string; id: string }) => told.push(mail))
    socket.on('deleteMail', ({ id }: { id: string }) => told.push({ id }))
    await new Promise((resolve, reject) => {
      socket.on('connect', resolve)
      socket.on('connect_error', reject)
    })
    await deliver(`By ${transport}`)
    await expect.poll(() => told.map(({ subject }) => subject), PATIENCE).toContain(`By ${transport}`)
    const id = told[0]?.id
    await http.request(`/maildev/email/${id}`, { method: 'DELETE' })
    await expect.poll(() => told.slice(1), PATIENCE).toEqual([{ id: expect.any(String) }])
    socket.disconnect()
  })

  it('connects as it does by default', async () => {
    const { io } = load('socket.io-client')
    const socket = io(http.base, { path: '/maildev/socket.io', forceNew: true })
    await new Promise((resolve, reject) => {
      socket.on('connect', resolve)
      socket.on('connect_error', reject)
    })
    socket.disconnect()
  })
})
