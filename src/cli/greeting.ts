import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, rootCertificates } from 'node:tls'

/** How the certificate behind a port is verified. */
export interface Verification {
  /** PEM roots, trusted beside the system's own. */
  readonly ca: readonly string[]
  /** The name the certificate must be issued to. */
  readonly servername: string
}

/** What a port said, and the connection, which is still open. */
export interface Greeting {
  readonly line: string
  readonly socket: Socket
}

/**
 * Connects and reads the first line, the greeting of SMTP, POP3, IMAP4 and NNTP alike. The caller ends the connection.
 * @throws Error in plain words when nothing greets in time, or the certificate cannot be verified
 */
export function greet(host: string, port: number, timeoutMs: number, verify?: Verification): Promise<Greeting> {
  const socket = verify ? tlsSocket(host, port, verify) : connectTcp({ host, port })
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => fail(new Error(`no greeting within ${timeoutMs / 1000} s`)), timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      said += text
      const end = said.indexOf('\r\n')
      if (end === -1) return
      clearTimeout(timer)
      resolve({ line: said.slice(0, end), socket })
    })
    socket.on('end', () => fail(new Error('closed without a greeting')))
    socket.on('error', (error) => fail(error))
  })
}

function tlsSocket(host: string, port: number, { ca, servername }: Verification): Socket {
  // An IP address is no SNI name (RFC 6066 section 3); the certificate is then checked for the host itself.
  const name = isIP(servername) ? {} : { servername }
  return connectTls({ host, port, ...name, ca: [...ca, ...rootCertificates] })
}
