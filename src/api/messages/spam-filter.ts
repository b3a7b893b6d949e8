import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { abortAfter } from '../../core/time/abort-after.ts'
import type { SpamVerdict } from '../../mail/checks/findings.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import type { Api } from '../api.ts'
import { notFound } from '../problem.ts'
import { responseTo } from '../response.ts'
import type { IndexedMessage } from './message-index.ts'

const TIMEOUT_MS = 30_000
/** More is no answer of a spam filter. */
const MAX_ANSWER_OCTETS = 1024 * 1024

/** The spam filter did not answer, or with an error. */
export class SpamFilterError extends Error {
  override readonly name = 'SpamFilterError'
}

/**
 * Asks the spam filter of the lab about a message. Undefined if the lab has none.
 * @throws SpamFilterError; ApiProblem `not-found` if the message was deleted meanwhile; MemoryLimitReached
 */
export async function spamVerdictOf(
  { lab, reader }: Pick<Api, 'lab' | 'reader'>,
  message: IndexedMessage,
  signal?: AbortSignal,
): Promise<SpamVerdict | undefined> {
  const { spamFilter } = lab.config.mail
  if (spamFilter === undefined) return undefined
  // Large messages are read one after the other: others must not wait for the filter.
  const raw = await reader.use(message, ({ read }) => read.raw)
  if (!raw) throw notFound(`message ${message.id} was deleted meanwhile`)
  using memory = lab.intake.memory.reservation('messages')
  memory.grow(raw.length)
  return await askSpamFilter(spamFilter, raw, signal)
}

/**
 * Asks a spam filter about a message.
 * @param url `spamd://HOST:PORT` or `spamd:///SOCKET` for SpamAssassin, `http://HOST:PORT` or `https:` for rspamd
 * @throws SpamFilterError
 */
async function askSpamFilter(url: string, message: Buffer, signal?: AbortSignal): Promise<SpamVerdict> {
  using limit = abortAfter(TIMEOUT_MS, signal)
  const target = new URL(url)
  try {
    return await (target.protocol === 'spamd:' ? askSpamd : askRspamd)(target, message, limit.signal)
  } catch (error) {
    const isLate = limit.signal.reason?.name === 'TimeoutError'
    const reason = isLate ? `no answer within ${TIMEOUT_MS} ms` : (error as Error).message
    throw new SpamFilterError(`the spam filter at ${target.host || target.pathname}: ${reason}`, { cause: error })
  }
}

const DEFAULT_SPAMD_PORT = 783

/** The protocol of spamd, version 1.5: https://github.com/apache/spamassassin/blob/trunk/spamd/PROTOCOL */
async function askSpamd({ hostname, port, pathname }: URL, message: Buffer, signal: AbortSignal): Promise<SpamVerdict> {
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_SPAMD_PORT) }
  const socket = connect({ ...(hostname === '' ? { path: pathname } : at), signal })
  socket.write(`REPORT SPAMC/1.5\r\nContent-length: ${message.length}\r\n\r\n`)
  socket.end(message)
  const text = (await readAll(socket)).toString('utf8')
  const [head = '', report = ''] = text.split(/\r?\n\r?\n(.*)/s)
  const [, code, status = ''] = /^SPAMD\/\S+ (\d+) (.*)/.exec(head) ?? []
  if (code !== '0') throw new Error(`answered ${status || 'nothing'}`)
  const [, isSpam = '', score, threshold] = /^Spam: (\w+) ; (-?[\d.]+) \/ (-?[\d.]+)/im.exec(head) ?? []
  return {
    program: 'SpamAssassin',
    isSpam: /^(?:true|yes)$/i.test(isSpam),
    score: Number(score ?? 0),
    threshold: Number(threshold ?? 0),
    rules: rulesIn(report),
  }
}

/** Reads the table of a report: points, name and description, which goes on in lines that begin with spaces. */
function rulesIn(report: string): SpamVerdict['rules'] {
  const table = report.slice(report.search(/^Content analysis details/m)).replaceAll(/\r?\n {10,}(?=\S)/g, ' ')
  return [...table.matchAll(/^\s?(-?\d+(?:\.\d+)?) (\w+)\s+(.*)$/gm)].map(([, score, name = '', text = '']) => ({
    name,
    score: Number(score),
    description: text.trim(),
  }))
}

const symbol = z.object({ name: z.string(), score: z.number(), description: z.string().default('') })
const rspamdAnswer = z.object({
  score: z.number(),
  required_score: z.number(),
  action: z.string(),
  thresholds: z.record(z.string(), z.number()).default({}),
  symbols: z.record(z.string(), symbol),
})

/** https://docs.rspamd.com/developers/protocol */
async function askRspamd(url: URL, message: Buffer, signal: AbortSignal): Promise<SpamVerdict> {
  const options = { method: 'POST', signal, agent: false, headers: { 'Content-Length': message.length } }
  const target = new URL('checkv2', url)
  const request =
    url.protocol === 'https:' ? httpsRequest(target, { ...options, ca: systemRoots() }) : httpRequest(target, options)
  const response = await responseTo(request, message)
  if (response.statusCode !== 200) {
    response.destroy()
    throw new Error(`answered ${response.statusCode}`)
  }
  const answer = rspamdAnswer.safeParse(JSON.parse((await readAll(response)).toString('utf8')))
  if (!answer.success) throw new Error('its answer is not that of rspamd')
  const { score, required_score: required, action, thresholds, symbols } = answer.data
  return {
    program: 'rspamd',
    isSpam: /^(?:reject|rewrite subject|add header)$/.test(action),
    score,
    threshold: thresholds['add header'] ?? required,
    rules: Object.values(symbols),
  }
}

/** @throws Error for an answer that is too long */
async function readAll(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of stream as AsyncIterable<Buffer>) {
    octets += piece.length
    if (octets > MAX_ANSWER_OCTETS) throw new Error(`answered more than ${MAX_ANSWER_OCTETS} octets`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
