import type { LabInput } from '../../src/core/config/schema.ts'
import { allGroups } from '../../src/transport/news/inject.ts'
import type { NewsService } from '../../src/transport/news/news-service.ts'
import type { ControlKind } from '../../src/transport/news/types.ts'
import { LineClient } from './line-client.ts'
import { type MailLab, type MailLabOptions, startMailLab } from './mail-lab.ts'
import { TestClock } from './test-clock.ts'

interface NewsLabOptions extends Omit<MailLabOptions, 'store' | 'config'> {
  readonly newsgroups?: LabInput['newsgroups']
  readonly control?: ControlKind[]
  readonly hostname?: string
  readonly clock?: TestClock
}

export interface NewsLab extends MailLab {
  readonly news: NewsService
  readonly clock: TestClock
  /** Connects a client and reads the greeting. */
  client(): Promise<LineClient>
  /** Plays a transcript on a new connection, after the greeting. */
  play(script: string): Promise<void>
  /** Posts an article and returns its Message-ID. `Newsgroups`, `From` and `Subject` have default values. */
  post(header?: string, body?: string): Promise<string>
}

/** Starts a lab with one NNTP virtual server; its default newsgroups are `lab.general` and `lab.test`. */
export async function startNewsLab(options: NewsLabOptions = {}): Promise<NewsLab> {
  const { hostname = 'news.lab.test', control, newsgroups, clock = new TestClock(), ...rest } = options
  const config: LabInput = {
    hostname,
    news: {
      groups: newsgroups ?? [
        { name: 'lab.general', description: 'General talk' },
        { name: 'lab.test', description: 'Tests' },
      ],
    },
    ...(control ? { control } : {}),
  }
  const lab = await startMailLab({ protocol: 'nntp' }, { ...rest, clock, config })
  const news = lab.lab.news.service
  const client = async (): Promise<LineClient> => {
    const opened = await LineClient.open(lab.port)
    await opened.play('S: 20* *')
    return opened
  }
  return {
    ...lab,
    news,
    clock,
    client,
    async play(script) {
      using opened = await client()
      await opened.play(script)
    },
    async post(header = '', body = 'Hello.\r\n') {
      const { messageId } = await news.post(articleOf(header, body), { host: '127.0.0.1', rights: allGroups })
      return messageId
    },
  }
}

/** Builds an article from header lines (separated by LF), and adds the required fields that they lack. */
export function articleOf(header: string, body = 'Hello.\r\n'): Buffer {
  const lines = header.split('\n').filter((line) => line !== '')
  const addDefault = (name: string, value: string): void => {
    if (!lines.some((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))) lines.push(`${name}: ${value}`)
  }
  addDefault('From', 'Alice <alice@lab.test>')
  addDefault('Newsgroups', 'lab.general')
  addDefault('Subject', 'A subject')
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
}
