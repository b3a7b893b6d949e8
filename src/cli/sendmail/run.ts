import { hostname, userInfo } from 'node:os'
import { exitStatus, SendmailError } from './exit-status.ts'
import { connectToLab, type LabConnection } from './lab-connection.ts'
import { type Submission, submissionOf } from './message.ts'
import { parseSendmailOptions, type SendmailMode, type SendmailOptions } from './options.ts'
import { readInput } from './read-input.ts'
import { SubmissionClient } from './submission-client.ts'

/** Runs another command of `sealpost`. Returns its exit status. */
export type RunCommandLine = (args: readonly string[]) => Promise<number>

/**
 * Runs `sendmail ARGS` to its end. Little is loaded: programs start it for each message.
 * @param runCommandLine lists and flushes the queue
 * @returns the exit status of sysexits.h
 */
export async function runSendmail(args: readonly string[], runCommandLine: RunCommandLine): Promise<number> {
  try {
    const options = parseSendmailOptions(args)
    return await modes[options.mode](options, runCommandLine)
  } catch (error) {
    const status = error instanceof SendmailError ? error.status : exitStatus.software
    process.stderr.write(`sendmail: ${(error as Error).message}\n`)
    return status
  }
}

type Mode = (options: SendmailOptions, runCommandLine: RunCommandLine) => Promise<number>

const modes: Readonly<Record<SendmailMode, Mode>> = {
  send,
  verify,
  smtp: speakSmtp,
  queue: (options, run) => runQueue('list', options, run),
  flush: (options, run) => runQueue('flush', options, run),
  nothing: async () => exitStatus.ok,
  async help() {
    const { help } = await import('./help.ts')
    process.stdout.write(help)
    return exitStatus.ok
  },
  async version() {
    const { version } = await import('../../core/text/version.ts')
    process.stdout.write(`sealpost sendmail ${version}\n`)
    return exitStatus.ok
  },
}

/** Reads a message from standard input and sends it to all its recipients, or to none. */
async function send(options: SendmailOptions): Promise<number> {
  const input = await readInput(process.stdin, !options.ignoreDots)
  if (options.url !== undefined) {
    const { sendByHttp } = await import('./http.ts')
    await sendByHttp(options, submission(options, input, options.domain ?? hostname()))
    return exitStatus.ok
  }
  const { client, domain } = await openSession(options)
  try {
    const message = submission(options, input, domain)
    await client.envelope(message, options)
    await client.content(message)
  } finally {
    await client.quit()
  }
  return exitStatus.ok
}

/** Prints whether the lab accepts the recipients, and sends nothing. */
async function verify(options: SendmailOptions): Promise<number> {
  const { client, domain } = await openSession(options)
  try {
    for (const line of await client.envelope(submission(options, Buffer.alloc(0), domain), options)) {
      process.stdout.write(`${line}\n`)
    }
  } finally {
    await client.quit()
  }
  return exitStatus.ok
}

async function openSession(options: SendmailOptions): Promise<{ client: SubmissionClient; domain: string }> {
  const { socket, place } = await connectToLab(options, submittedBy('sealpost sendmail'))
  const client = new SubmissionClient(socket, (line) => {
    if (options.verbose) process.stderr.write(`${line}\n`)
  })
  const greeted = await client.greeting()
  await client.hello(hostname())
  return { client, domain: options.domain ?? process.env.SEALPOST_DOMAIN ?? place?.domain ?? greeted }
}

function submission(options: SendmailOptions, input: Buffer, domain: string): Submission {
  const { sender, recipients, fromHeader } = options
  const fullName = options.fullName ?? process.env.NAME
  return submissionOf(input, { sender, recipients, fromHeader, fullName, domain, user: userName(), at: Date.now() })
}

/** Runs `sealpost queue VERB`. */
async function runQueue(
  verb: string,
  { config, url, token, tokenFile }: SendmailOptions,
  runCommandLine: RunCommandLine,
): Promise<number> {
  const lab = Object.entries({ '--config': config, '--url': url, '--token': token, '--token-file': tokenFile })
  const chosen = lab.flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
  const status = await runCommandLine(['queue', verb, ...chosen])
  return status === 0 ? exitStatus.ok : exitStatus.unavailable
}

/** Connects standard input and output to a session of the lab. */
async function speakSmtp(options: SendmailOptions): Promise<number> {
  const { socket }: LabConnection = await connectToLab(options, submittedBy('sealpost sendmail -bs'))
  return new Promise((resolve, reject) => {
    // A client that disconnects in the middle of a session is not a failure of the lab.
    process.stdout.on('error', () => socket.destroy())
    socket.on('error', ({ message }) =>
      reject(new SendmailError(exitStatus.tempFail, `the connection to the lab failed: ${message}`)),
    )
    socket.on('end', () => {
      // The client may still hold its side open.
      process.stdin.destroy()
    })
    socket.on('close', () => resolve(exitStatus.ok))
    process.stdin.pipe(socket)
    socket.pipe(process.stdout)
  })
}

const submittedBy = (what: string): string => `submitted by ${what} of the user ${userName()} (process ${process.pid})`

/** Returns the name of the user; for a user id without a name, `uid1000`. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid${process.getuid?.() ?? 0}`
  }
}
