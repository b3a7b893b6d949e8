import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { AuditTarget, Protocol } from '../../../src/testing/index.ts'

interface Script {
  /** The last line of a reply. */
  readonly last: RegExp
  readonly clear: readonly string[]
  readonly secure: readonly string[]
}

const scripts: Readonly<Record<Protocol, Script>> = {
  smtp: {
    last: /^\d{3} /,
    clear: ['EHLO client.test', 'STARTTLS'],
    secure: [
      ...['EHLO client.test', 'AUTH PLAIN AGFsaWNlAHNlY3JldA==', 'MAIL FROM:<alice@lab.test>'],
      ...['RCPT TO:<alice@lab.test>', 'DATA', '.', 'QUIT'],
    ],
  },
  pop3: { last: /^[+-]/, clear: ['STLS'], secure: ['USER alice', 'PASS secret', 'STAT', 'QUIT'] },
  imap4: {
    last: /^A\d+ /,
    clear: ['A001 STARTTLS'],
    secure: ['A002 LOGIN alice secret', 'A003 SELECT INBOX', 'A004 LOGOUT'],
  },
  nntp: { last: /^\d{3}/, clear: ['STARTTLS'], secure: ['MODE READER', 'GROUP lab.general', 'QUIT'] },
}

/** Runs a client with the bug that the injection exploits: it reads lines behind the reply to STARTTLS as replies under TLS. */
export async function acceptInjected(
  { address, port, ca, hostname, protocol }: Pick<AuditTarget, 'address' | 'port' | 'ca' | 'hostname' | 'protocol'>,
  signal: AbortSignal,
): Promise<void> {
  const { last, clear, secure } = scripts[protocol as Protocol]
  const raw = connect({ host: address, port })
  signal.addEventListener('abort', () => raw.destroy())
  const lines: string[] = []
  let heard: () => void = () => {}
  const listen = (socket: Socket): void => {
    socket.on('data', (chunk: Buffer) => {
      lines.push(...chunk.toString('latin1').split('\r\n').slice(0, -1))
      heard()
    })
    socket.on('error', () => {})
    socket.on('close', () => heard())
  }
  const reply = async (pattern: RegExp): Promise<void> => {
    for (;;) {
      const line = lines.shift()
      if (line === undefined) {
        if (raw.destroyed) throw new Error('the connection is closed')
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      } else if (pattern.test(line)) return
    }
  }
  try {
    listen(raw)
    await reply(protocol === 'imap4' ? /^\* OK/ : last)
    for (const command of clear) {
      raw.write(`${command}\r\n`)
      await reply(last)
    }
    raw.removeAllListeners('data')
    const socket = connectTls({ socket: raw, ca, servername: hostname })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    listen(socket)
    for (const command of secure) {
      await new Promise((resolve) => socket.write(`${command}\r\n`, resolve))
      await reply(last)
    }
  } finally {
    raw.destroy()
  }
}
