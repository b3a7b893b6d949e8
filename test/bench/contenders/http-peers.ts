import { freePort } from '../frame/processes.ts'
import { sendAll } from '../frame/smtp.ts'
import type { Contender, HttpApi, Target } from '../frame/types.ts'
import { mailDev, mailpit, startMailDev, startMailpit } from './smtp-peers.ts'

/** The HTTP API of a server that receives messages by SMTP first. */
const filled = (
  { name, missing }: Contender,
  api: HttpApi,
  messages: readonly Buffer[],
  start: (port: number, httpPort: number) => Promise<Target>,
): Contender => ({
  name,
  ...(missing && { missing }),
  async start() {
    const httpPort = await freePort()
    const target = await start(await freePort(), httpPort)
    await sendAll(target, messages)
    return { ...target, port: httpPort, api }
  },
})

export const mailDevApi = (messages: readonly Buffer[]): Contender => filled(mailDev, 'maildev', messages, startMailDev)
export const mailpitApi = (messages: readonly Buffer[]): Contender => filled(mailpit, 'mailpit', messages, startMailpit)
