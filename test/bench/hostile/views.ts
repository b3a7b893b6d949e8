import { repeated } from './attacker.ts'
import type { Attack } from './types.ts'

/** Just under the largest message that a lab accepts. */
const LARGE = 24 << 20
/** Readers at the same time. */
const READERS = 10

/** Stores a message, then opens its views by HTTP, several at a time, until the time is over. */
const onViews = (name: string, text: () => string, views: readonly string[]): Attack => ({
  name: `HTTP: ${READERS} readers of ${name}`,
  async prepare(attacker) {
    await attacker.store(text())
    const base = `http://127.0.0.1:${attacker.port('http')}/api/v1/messages`
    const { items } = (await (await fetch(base)).json()) as { items: readonly { id: string }[] }
    const urls = views.map((view) => `${base}/${items[0]?.id}${view}`)
    return () =>
      attacker.repeat(async () => {
        for (const url of urls)
          await Promise.all(Array.from({ length: READERS }, async () => (await fetch(url)).arrayBuffer()))
      })
  },
})

const html = 'Subject: x\r\nContent-Type: text/html\r\n\r\n'

/** Attacks by mail that takes time or memory when it is shown. */
export const viewAttacks: readonly Attack[] = [
  onViews('24 MB of words like codes', () => `Subject: x\r\n\r\n${repeated('AB12CD code: 123456\r\n', LARGE)}`, [
    '',
    '/text',
  ]),
  onViews('24 MB of line ends', () => `Subject: x\r\n\r\n${repeated('\r\n', LARGE)}`, ['', '/text', '/raw']),
  onViews('24 MB of HTML links', () => html + repeated('<a href="http://a.test/1">1</a>\r\n', LARGE), ['', '/html']),
  onViews('24 MB of unsafe HTML', () => html + repeated('<link http-equiv color-scheme: dark ', LARGE), [
    '',
    '/html?scheme=dark',
  ]),
]
