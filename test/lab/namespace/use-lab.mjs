// Runs in a network namespace: starts a lab, uses every server, and prints how many packets left it other than by loopback.
//   node use-lab.mjs MAIN [CONFIG]
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { connect as connectTls } from 'node:tls'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'

const [main, config] = process.argv.slice(2)
const OUTSIDE = 'outside'

const ip = (...args) => execFileSync('ip', args, { encoding: 'utf8' })

/** Creates the way out: every address but those of loopback is behind it. */
function openWayOut() {
  ip('link', 'set', 'lo', 'up')
  ip('link', 'add', OUTSIDE, 'type', 'veth', 'peer', 'name', 'far')
  // Without IPv6 of their own, the interfaces send nothing by themselves.
  for (const link of [OUTSIDE, 'far']) ip('link', 'set', link, 'addrgenmode', 'none', 'up')
  ip('address', 'add', '192.0.2.1/24', 'dev', OUTSIDE)
  ip('neighbour', 'add', '192.0.2.254', 'lladdr', '02:00:00:00:00:fe', 'dev', OUTSIDE)
  ip('route', 'add', 'default', 'via', '192.0.2.254', 'dev', OUTSIDE)
}

/** Returns how many packets have left. */
const packets = () => JSON.parse(ip('-json', '-statistics', 'link', 'show', OUTSIDE))[0].stats64.tx.packets

/** Sends one packet out, so that the count is known to work. */
async function sendOut() {
  const socket = createSocket('udp4')
  await new Promise((resolve, reject) =>
    socket.send('x', 53, '198.51.100.53', (error) => (error ? reject(error) : resolve())),
  )
  socket.close()
}

async function startLab() {
  const child = spawn(process.execPath, [main, 'start', '--json', ...(config ? ['--config', config] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line)
    if (event.event === 'ready') return { child, event }
  }
  throw new Error('the lab did not start')
}

/** Sends lines one by one, each after the answer to the one before, and returns what the server said. */
async function talk(socket, lines, isEnd) {
  let said = ''
  socket.setEncoding('latin1')
  const answered = async (from) => {
    while (!isEnd(said.slice(from))) said += (await once(socket, 'data'))[0]
  }
  await answered(0)
  for (const line of lines) {
    const from = said.length
    socket.write(`${line}\r\n`)
    await answered(from)
  }
  socket.destroy()
  return said
}

const isReply = (text) => text.endsWith('\r\n')
const isTagged = (text) => /^(?:a\d+|\* OK) /m.test(text) && isReply(text)

async function useServers({ endpoints, administratorToken }) {
  const of = (protocol) => endpoints.find((one) => one.protocol === protocol)
  const headers = administratorToken ? { authorization: `Bearer ${administratorToken}` } : {}
  const api = async (path) => (await fetch(`http://127.0.0.1:${of('http').port}/api/v1/${path}`, { headers })).json()
  const { rootPem: ca } = await api('client-settings')
  const tls = { ca, servername: 'localhost' }
  const transport = createTransport({ host: '127.0.0.1', port: of('smtp').port, requireTLS: true, tls })
  await transport.sendMail({
    from: 'alice@lab.test',
    to: ['bob@lab.test', 'someone@example.com'],
    subject: 'stays here',
    html: '<img src="http://example.com/pixel.gif"> <a href="https://example.com/">link</a>',
  })
  const port = (protocol) => of(protocol).tlsPort
  const open = (protocol) => connectTls({ host: '127.0.0.1', port: port(protocol), ...tls })
  const imap = ['a1 LOGIN bob secret', 'a2 SELECT INBOX', 'a3 FETCH 1 BODY.PEEK[]', 'a4 LOGOUT']
  const article = 'From: bob@lab.test\r\nNewsgroups: lab.general\r\nSubject: stays here\r\n\r\ntext\r\n.'
  const said = {
    imap4: await talk(open('imap4'), imap, isTagged),
    pop3: await talk(open('pop3'), ['USER bob', 'PASS secret', 'STAT', 'QUIT'], isReply),
    nntp: await talk(open('nntp'), ['MODE READER', 'POST', article, 'GROUP lab.general', 'QUIT'], isReply),
    smtp: await talk(connect(of('smtp').port, '127.0.0.1'), ['EHLO mail.example.com', 'VRFY bob', 'QUIT'], isReply),
  }
  const { items } = await api('messages')
  for (const { id } of items) await api(`messages/${id}`)
  return { said, subjects: items.map(({ subject }) => subject) }
}

/** Takes mail as an outside host on loopback does. */
function takeMail(port) {
  const recipients = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      recipients.push(...session.envelope.rcptTo.map(({ address }) => address))
      stream.resume().on('end', done)
    },
  })
  server.listen(port, '127.0.0.1')
  return { recipients, close: () => new Promise((resolve) => server.close(resolve)) }
}

openWayOut()
const outside = takeMail(2525)
const { child, event } = await startLab()
const used = await useServers(event)
if (config) while (outside.recipients.length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
child.kill('SIGTERM')
await once(child, 'exit')
await outside.close()
const left = packets()
await sendOut()
console.log(JSON.stringify({ ...used, recipients: outside.recipients, packets: left, afterControl: packets() }))
