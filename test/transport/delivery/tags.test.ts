import { createTransport } from 'nodemailer'
import { expect, it } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'

const http = HttpLab.ofTests({
  mail: {
    tagging: {
      header: 'X-Tags',
      plusAddresses: true,
      user: true,
      titleCase: true,
      rules: [
        { match: 'addressed:jane@ "two  lines"', tags: ['by rule', 'B'] },
        { match: 'header:x-kind:order', tags: ['order'] },
        { match: '-from:shop@example.com', tags: ['elsewhere'] },
      ],
    },
  },
  directory: { unknown: 'capture', accounts: [{ user: 'app', password: 'secret' }] },
})

/** Sends a message, and returns its tags. */
async function tagsOf(headers: Record<string, string>, to: string): Promise<string[]> {
  await createTransport(http.lab.nodemailer({ user: 'app', pass: 'secret' })).sendMail({
    from: 'shop@example.com',
    to,
    subject: 'Hello',
    text: 'Text',
    headers,
  })
  return (await http.request('/mailpit/api/v1/message/latest')).body.Tags
}

it('gives mail tags from a field, plus addresses and the account of the sender', async () => {
  const sent = await tagsOf({ 'X-Tags': 'two words, B, b, <>' }, 'jane+welcome+new@example.org')
  expect(sent).toEqual(['B', 'New', 'Two Words', 'Welcome', 'app'])
  expect(await tagsOf({}, 'app@lab.test')).toEqual(['app'])
})

it('gives mail the tags of rules whose searches find it', async () => {
  const send = async (headers: Record<string, string>, text: string): Promise<string[]> => {
    await http.lab.deliver(
      { from: 'shop@example.com', to: 'jane@example.org', text, headers },
      { to: 'jane@example.org' },
    )
    return (await http.request('/mailpit/api/v1/message/latest')).body.Tags
  }
  expect(await send({}, 'In two\nlines.')).toEqual(['B', 'by rule'])
  expect(await send({ 'X-Kind': 'Orders' }, 'Other')).toEqual(['order'])
})

it('refuses a rule whose search cannot be read', async () => {
  const tagging = { rules: [{ match: 'is:purple', tags: ['x'] }] }
  await expect(HttpLab.start({ mail: { tagging } })).rejects.toThrow(
    /mail\.tagging\.rules\[0\]\.match: query: is:purple is not known/,
  )
})

it('limits the tags of a message', async () => {
  const many = Array.from({ length: 200 }, (_, at) => `t${at}`).join(',')
  expect(await tagsOf({ 'X-Tags': many }, 'jane@example.org')).toHaveLength(50)
  expect((await tagsOf({ 'X-Tags': 'x'.repeat(500) }, 'jane@example.org')).find((tag) => /^X/.test(tag))).toHaveLength(
    100,
  )
})
