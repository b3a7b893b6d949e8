import pino from 'pino'
import { nntp } from '../../servers/nntp/service.ts'
import type { Clock } from '../../src/common/clock.ts'
import { type LabInput, labSchema } from '../../src/config/schema.ts'
import { NewsService } from '../../src/news/news-service.ts'
import { ensureNewsgroups } from '../../src/news/newsgroups.ts'
import type { ControlKind, NewsMail } from '../../src/news/types.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { LineClient } from './line-client.ts'
import { type MailLab, type MailLabOptions, startMailLab } from './mail-lab.ts'
import { play } from './transcript.ts'

/** A clock that stands still until it is moved. 2026-11-25 12:00:00 UTC at first. */
export class TestClock implements Clock {
  ms = Date.UTC(2026, 10, 25, 12)
  now(): number {
    return this.ms
  }
}

export interface NewsLabOptions extends Omit<MailLabOptions, 'store'> {
  readonly newsgroups?: LabInput['newsgroups']
  readonly control?: readonly ControlKind[]
  readonly hostname?: string
  readonly clock?: TestClock
}

export interface NewsLab extends MailLab {
  readonly news: NewsService
  readonly clock: TestClock
  /** What was mailed to moderators. */
  readonly mailed: NewsMail[]
  /** A client that has read the greeting. */
  client(): Promise<LineClient>
  /** Plays a transcript on a connection of its own, the greeting read. */
  play(script: string): Promise<void>
  /** Posts an article; `Newsgroups`, `From` and `Subject` are filled in where the header has none. */
  post(header?: string, body?: string): Promise<string>
}

/** One NNTP virtual server over a memory store; `lab.general` and `lab.test` unless told otherwise. */
export async function startNewsLab(options: NewsLabOptions = {}): Promise<NewsLab> {
  const clock = options.clock ?? new TestClock()
  const store = new MemoryStore({ clock })
  const { newsgroups } = labSchema.parse({
    newsgroups: options.newsgroups ?? [
      { name: 'lab.general', description: 'General talk' },
      { name: 'lab.test', description: 'Tests' },
    ],
  })
  await ensureNewsgroups(store, newsgroups, clock)
  const mailed: NewsMail[] = []
  const news = new NewsService({
    store,
    clock,
    log: pino({ level: 'silent' }),
    hostname: options.hostname ?? 'news.lab.test',
    mail: async (mail) => void mailed.push(mail),
    ...(options.control ? { control: options.control } : {}),
  })
  const service = {
    ...nntp,
    serve: (connection: Parameters<typeof nntp.serve>[0], context: Parameters<typeof nntp.serve>[1]) =>
      nntp.serve(connection, { ...context, clock, news }),
  }
  const lab = await startMailLab(service, { ...options, store })
  const client = async (): Promise<LineClient> => {
    const opened = await LineClient.open(lab.port)
    await play(opened, 'S: 20* *')
    return opened
  }
  return {
    ...lab,
    news,
    clock,
    mailed,
    client,
    async play(script) {
      const opened = await client()
      await play(opened, script)
      opened.destroy()
    },
    async post(header = '', body = 'Hello.\r\n') {
      const { messageId } = await news.post(articleOf(header, body), { host: '127.0.0.1' })
      return messageId
    },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  }
}

/** An article of the header lines given (separated by LF) and what it must have besides. */
export function articleOf(header: string, body = 'Hello.\r\n'): Buffer {
  const lines = header.split('\n').filter((line) => line !== '')
  const fill = (name: string, value: string): void => {
    if (!lines.some((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))) lines.push(`${name}: ${value}`)
  }
  fill('From', 'Alice <alice@lab.test>')
  fill('Newsgroups', 'lab.general')
  fill('Subject', 'A subject')
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}
