// A test suite for code that uses NNTP, here directly over verified implicit TLS.
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'
import { expect, type TestLab, test } from 'sealpost/vitest'

/** The code under test: sends lines and returns the reply to each, including multi-line replies. */
async function converse(lab: TestLab, lines: readonly string[]): Promise<string[][]> {
  const { address, tlsPort } = lab.server('nntp')
  const socket = connect({ host: address, port: tlsPort, ca: lab.ca, servername: 'localhost' })
  const input = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  const reply = async (): Promise<string[]> => {
    const read: string[] = []
    for (let next = await input.next(); !next.done; next = await input.next()) {
      read.push(next.value)
      const isLong = /^(100|101|215|220|221|222|224|225|230|231)/.test(read[0] ?? '')
      if (!isLong || next.value === '.') break
    }
    return read
  }
  try {
    const replies = [await reply()]
    for (const line of lines) {
      socket.write(`${line}\r\n`)
      replies.push(await reply())
    }
    return replies
  } finally {
    socket.destroy()
  }
}

test('a posted article can be read', async ({ lab, tenant }) => {
  const group = await tenant.createNewsgroup('talk')
  const article = ['From: alice@lab.test', `Newsgroups: ${group}`, 'Subject: Hello', '', 'A first article.', '.']
  const replies = await converse(lab, ['POST', article.join('\r\n'), `GROUP ${group}`, 'OVER 1', 'BODY 1', 'QUIT'])
  const [greeting, post, posted, selected, overview, body, bye] = replies
  expect([greeting, post, posted, bye].map((reply) => reply?.[0]?.slice(0, 3))).toEqual(['200', '340', '240', '205'])
  expect(selected?.[0]).toBe(`211 1 1 1 ${group}`)
  expect(overview?.[1]).toMatch(/^1\tHello\talice@lab\.test\t/)
  expect(body?.slice(1)).toEqual(['A first article.', '.'])

  const [stored] = await tenant.articles('talk')
  expect(stored).toMatchObject({ number: 1, subject: 'Hello' })
})

test('a server that closes the connection before its reply', async ({ lab }) => {
  const fault = lab.faults.add({ when: { protocol: 'nntp', verb: 'DATE' }, do: { drop: 'before' } })
  const [, help, date] = await converse(lab, ['HELP', 'DATE'])
  expect(help?.[0]).toMatch(/^100/)
  expect(date).toEqual([])
  expect(fault.hits).toBe(1)
  fault.remove()
})
