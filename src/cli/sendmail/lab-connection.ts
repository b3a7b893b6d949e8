import { connect, type Socket } from 'node:net'
import { findAllSockets } from '../../lab/control/socket-path.ts'
import type { SubmissionPlace } from '../../lab/control/streams.ts'
import { configurationIdentity } from '../shared/configuration.ts'
import { controlSockets, runtimePlaces } from '../shared/running-labs.ts'
import { exitStatus, SendmailError } from './exit-status.ts'
import type { SendmailOptions } from './options.ts'

/** An SMTP connection to the lab, before its greeting. */
export interface LabConnection {
  readonly socket: Socket
  /** Undefined over TCP: only the greeting says more. */
  readonly place: SubmissionPlace | undefined
}

/**
 * Connects to the running lab: by TCP if an option or `SEALPOST_SMTP` says where it is, else over its control socket.
 * @param by who submits, for the session record
 * @throws SendmailError if no lab is running, or it cannot be reached
 */
export async function connectToLab(options: SendmailOptions, by: string): Promise<LabConnection> {
  const smtp = options.smtp ?? (options.config === undefined ? process.env.SEALPOST_SMTP : undefined)
  if (smtp) return { socket: await untilConnected(connect(tcpPlace(smtp)), smtp), place: undefined }
  const path = await controlSocket(options)
  const socket = await untilConnected(connect({ path, allowHalfOpen: true }), 'the running lab')
  const { virtualServer } = options
  socket.write(`${JSON.stringify({ verb: 'smtp', args: { by, ...(virtualServer ? { virtualServer } : {}) } })}\n`)
  return { socket, place: await readPlace(socket) }
}

/** Parses `HOST:PORT`, by default port 25. */
function tcpPlace(text: string): { host: string; port: number; allowHalfOpen: true } {
  const [, bracketed, plain, port = '25'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined)
    throw new SendmailError(exitStatus.usage, `write HOST:PORT, such as 127.0.0.1:3025, not ${text}`)
  return { host, port: Number(port), allowHalfOpen: true }
}

async function controlSocket({ config }: SendmailOptions): Promise<string> {
  const { name, identity } = configurationIdentity(config === undefined ? {} : { config })
  const [own] = await controlSockets(identity)
  if (own !== undefined) return own
  if (config !== undefined)
    throw unavailableError(`no lab of ${name} is running under your user; start it with: sealpost start -c ${name}`)
  // Programs such as cron and PHP run it in any folder.
  const all = await findAllSockets(runtimePlaces())
  if (all.length > 1)
    throw new SendmailError(exitStatus.usage, `${all.length} labs are running; choose one with --config or --smtp`)
  const [only] = all
  if (only !== undefined) return only
  throw unavailableError(
    'no lab is running under your user; start one with: sealpost start, or name an SMTP port with --smtp 127.0.0.1:3025 or SEALPOST_SMTP',
  )
}

const unavailableError = (message: string): SendmailError => new SendmailError(exitStatus.unavailable, message)

/** RFC 5321 section 4.5.3.2 */
const TIMEOUT_MS = 5 * 60_000

function untilConnected(socket: Socket, name: string): Promise<Socket> {
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer within 5 minutes')))
  // The reader of the socket sees the error, too.
  socket.on('error', () => {})
  return new Promise((resolve, reject) => {
    const fail = ({ message }: Error): void =>
      reject(unavailableError(`${name} cannot be reached: ${message || 'no connection'}; is the lab running?`))
    socket.once('error', fail)
    socket.once('connect', () => {
      socket.off('error', fail)
      resolve(socket)
    })
  })
}

/** Reads the answer to the request, which comes before the greeting. */
async function readPlace(socket: Socket): Promise<SubmissionPlace> {
  let place: SubmissionPlace | undefined
  for (;;) {
    const answer = JSON.parse(await readLine(socket)) as { item?: SubmissionPlace; error?: string }
    if (answer.error !== undefined) throw unavailableError(answer.error)
    if (answer.item === undefined) break
    place = answer.item
  }
  if (!place) throw unavailableError('the running lab may have another version of Sealpost')
  return place
}

/** Reads one line, and leaves what follows it. */
function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let held = Buffer.alloc(0)
    const stop = (): void => {
      socket.off('readable', read).off('error', fail).off('end', fail)
    }
    const fail = (): void => {
      stop()
      reject(unavailableError('the running lab closed the connection'))
    }
    const read = (): void => {
      for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
        held = Buffer.concat([held, chunk])
        const end = held.indexOf(0x0a)
        if (end === -1) continue
        stop()
        if (end + 1 < held.length) socket.unshift(held.subarray(end + 1))
        return resolve(held.toString('utf8', 0, end))
      }
    }
    socket.on('readable', read).on('error', fail).on('end', fail)
    read()
  })
}
