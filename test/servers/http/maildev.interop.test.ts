import { createRequire } from 'node:module'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { fetchedClient } from '../../support/fetched-client.ts'
import { HttpLab } from './client.ts'

const cypressMailDev = fetchedClient('cypress-maildev-2.0.0/build/maildevCommands.js')

const http = HttpLab.ofTests()

/** The part of Cypress that the commands use, on `fetch`. */
function fakeCypress(settings: Readonly<Record<string, string>>): void {
  const bodyOf = async ({ method, url, headers }: { method: string; url: string; headers: Record<string, string> }) => {
    const response = await fetch(url, { method, headers })
    if (!response.ok) throw new Error(`cy.request() failed on ${url}: ${response.status}`)
    return response.json()
  }
  Object.assign(globalThis, {
    Cypress: { expose: (name: string) => settings[name] },
    cy: {
      wrap: async (value: unknown) => value,
      request: (options: Parameters<typeof bodyOf>[0]) => ({ its: () => bodyOf(options) }),
    },
  })
}

const send = (to: string, subject: string, text: string) =>
  createTransport(http.lab.nodemailer('carol')).sendMail({ from: 'carol@lab.test', to, subject, text })

describe.skipIf(!cypressMailDev)('cypress-maildev', () => {
  it('passes with its own requests', async () => {
    const { port } = http.lab.server('http')
    fakeCypress({ MAILDEV_PROTOCOL: 'http', MAILDEV_HOST: '127.0.0.1', MAILDEV_API_PORT: `${port}/maildev` })
    const commands = new (createRequire(import.meta.url)(cypressMailDev as string).MaildevCommands)()
    expect(await commands.maildevHealthcheck()).toBe(true)
    await send('alice@lab.test', 'Welcome', 'Your code: 123456')
    await send('bob@lab.test', 'Second', 'Text')
    expect(await commands.maildevGetAllMessages()).toHaveLength(2)
    expect((await commands.maildevGetLastMessage()).subject).toBe('Second')
    const { id, to } = await commands.maildevGetMessageBySubject('Welcome')
    expect(to).toEqual([{ address: 'alice@lab.test', name: '' }])
    const { text, read } = await commands.maildevGetMessageById(id)
    expect([await commands.maildevGetOTPCode(text), read]).toEqual(['123456', true])
    expect((await commands.maildevGetMessageBySentTo('bob@lab.test')).subject).toBe('Second')
    expect(await commands.maildevDeleteMessageById(id)).toBe(true)
    expect(await commands.maildevGetMessageBySubject('Welcome')).toBeNull()
    expect(await commands.maildevDeleteAllMessages()).toBe(true)
    expect(await commands.maildevGetAllMessages()).toEqual([])
  })
})
