import { LineClient } from '../../../support/line-client.ts'
import type { ComparedServer } from './peers.ts'

/**
 * A step of a transcript.
 * - A string: a command, answered with one reply.
 * - An array: commands sent in one write, answered with one reply each.
 * - `content`: the message after DATA. It is sent as it stands if the last reply was 354, and skipped otherwise.
 */
export type TranscriptStep = string | readonly string[] | { readonly content: string }

export type Transcript = readonly TranscriptStep[]

/** A reply, or the end of the connection. */
export interface RecordedReply {
  readonly command: string
  /** `end`: the server closed the connection instead of answering. */
  readonly code: string
  readonly enhancedCode: string | undefined
  readonly line: string
}

const END: Omit<RecordedReply, 'command'> = { code: 'end', enhancedCode: undefined, line: '(end of the connection)' }
const NO_REPLY_MS = 10_000

/** Plays a transcript on a new connection. After `STARTTLS` and 220 it starts TLS. Returns a reply for every command. */
export async function playTranscript(peer: ComparedServer, transcript: Transcript): Promise<RecordedReply[]> {
  using client = await LineClient.open(peer.port)
  const replies: RecordedReply[] = []
  await readReply(client, 'connect')
  for (const step of transcript) {
    if (typeof step === 'object' && 'content' in step) {
      if (replies.at(-1)?.code !== '354') continue
      client.send(step.content)
      replies.push(await readReply(client, '(content)'))
      continue
    }
    const commands = typeof step === 'string' ? [step] : step
    client.send(commands.map((command) => `${command}\r\n`).join(''))
    for (const command of commands) replies.push(await readReply(client, command))
    if (step === 'STARTTLS' && replies.at(-1)?.code === '220') await client.startTls(peer.ca)
    if (replies.at(-1)?.code === 'end') break
  }
  return replies
}

async function readReply(client: LineClient, command: string): Promise<RecordedReply> {
  const lines = await withTimeout(
    client.lines((line) => /^\d{3}(?: |$)/.test(line)),
    command,
  )
  const line = lines.at(-1)
  if (line === undefined) return { command, ...END }
  const [, code = '', enhancedCode] = /^(\d{3}) ?(\d\.\d{1,3}\.\d{1,3})?/.exec(line) ?? []
  return { command, code, enhancedCode, line }
}

async function withTimeout<T>(promise: Promise<T>, command: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply to ${JSON.stringify(command)}`)), NO_REPLY_MS)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
