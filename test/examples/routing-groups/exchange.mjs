// Runs in a network namespace: starts the labs of examples/routing-groups, lets them exchange mail and an article, and
// prints what arrived.
//   node exchange.mjs MAIN FOLDER
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'

const [main, folder] = process.argv.slice(2)
process.chdir(folder)
const organizations = {
  north: { user: 'alice', address: '127.0.0.2' },
  south: { user: 'bob', address: '127.0.0.3' },
  west: { user: 'carol', address: '127.0.0.4' },
}
const names = Object.keys(organizations)
const rootOf = (name) => readFileSync(`certs/roots/${name}.pem`)
const pause = () => new Promise((resolve) => setTimeout(resolve, 100))

async function startLab(name) {
  const child = spawn(process.execPath, [main, 'start', '--json', '--config', `${name}.yaml`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SEALPOST_ADDRESS: organizations[name].address, SEALPOST_LOG_LEVEL: 'warn' },
  })
  for await (const line of createInterface({ input: child.stdout }))
    if (JSON.parse(line).event === 'ready') return child
  throw new Error(`the lab ${name} did not start`)
}

async function sendMail(from, to) {
  const host = `mail.${from}.test`
  const { user } = organizations[from]
  const auth = { user, pass: 'secret' }
  const transport = createTransport({ host, port: 587, requireTLS: true, tls: { ca: rootOf(from) }, auth })
  const recipient = `${organizations[to].user}@${to}.test`
  await transport.sendMail({ from: `${user}@${from}.test`, to: recipient, subject: `from ${from}`, text: 'hello' })
}

/** Returns the source of the first messages of an inbox, once there are so many. */
async function inbox(name, count) {
  const { user } = organizations[name]
  const host = `mail.${name}.test`
  const auth = { user, pass: 'secret' }
  const client = new ImapFlow({ host, port: 993, secure: true, auth, tls: { ca: rootOf(name) }, logger: false })
  await client.connect()
  await client.mailboxOpen('INBOX')
  while (client.mailbox.exists < count) {
    await pause()
    await client.noop()
  }
  const found = await client.fetchAll('1:*', { source: true })
  await client.logout()
  return found.map(({ source }) => source.toString())
}

/** Sends lines to a news server, each after the reply to the one before. Returns the last reply. */
async function news(name, ...lines) {
  const socket = connect(119, `mail.${name}.test`).setEncoding('utf8')
  let reply = (await once(socket, 'data'))[0]
  for (const line of lines) {
    socket.write(`${line}\r\n`)
    reply = (await once(socket, 'data'))[0]
  }
  socket.destroy()
  return reply
}

const post = (name, group, id) =>
  news(
    name,
    'POST',
    `From: a@${name}.test\r\nNewsgroups: ${group}\r\nSubject: news\r\nMessage-ID: ${id}\r\n\r\ntext\r\n.`,
  )

execFileSync('ip', ['link', 'set', 'lo', 'up'])
mkdirSync('certs/roots', { recursive: true })
for (const name of names) {
  execFileSync(process.execPath, [main, 'ca', 'export', '--config', `${name}.yaml`, '--out', `certs/roots/${name}.pem`])
}
const labs = await Promise.all(names.map(startLab))
try {
  await sendMail('north', 'south')
  await sendMail('south', 'north')
  await sendMail('west', 'north')
  const [north, south] = await Promise.all([inbox('north', 2), inbox('south', 1)])
  await post('north', 'north.internal', '<inside@north.test>')
  await post('north', 'shared.general', '<shared@north.test>')
  for (const name of ['south', 'west']) {
    while (!(await news(name, 'STAT <shared@north.test>')).startsWith('223')) await pause()
  }
  const inside = await news('south', 'STAT <inside@north.test>')
  console.log(JSON.stringify({ north, south, inside }))
} finally {
  for (const lab of labs) lab.kill('SIGTERM')
  await Promise.all(labs.map((lab) => lab.exitCode ?? once(lab, 'exit')))
}
