// Runs in a network and mount namespace whose DNS server is 127.0.0.1: starts a lab, sends it a message through Postfix,
// and prints what arrived, or why Postfix keeps the message.
//   node postfix-dane.mjs MAIN CONFIG POSTFIX-FOLDER POSTFIX-PORT
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { createTransport } from 'nodemailer'

const [main, config, etc, port] = process.argv.slice(2)
const pause = () => new Promise((resolve) => setTimeout(resolve, 100))

async function startLab() {
  const args = [main, 'start', '--json', '--config', config]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout }))
    if (JSON.parse(line).event === 'ready') return child
  throw new Error('the lab did not start')
}

async function startPostfix() {
  const env = { ...process.env, MAIL_CONFIG: etc }
  const child = spawn('/usr/lib/postfix/sbin/master', ['-c', etc, '-s'], { stdio: 'ignore', detached: true, env })
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`Postfix ended with ${child.exitCode}`)
    await pause()
  }
  return child
}

/** Returns whether the port of Postfix accepts connections. */
async function answers() {
  const socket = connect(Number(port), '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

const api = async (path) => (await fetch(`http://127.0.0.1:8025/api/v1/${path}`)).json()

/** Returns why Postfix keeps the message; undefined if it does not, or has not tried yet. */
function kept() {
  const lines = execFileSync('postqueue', ['-c', etc, '-j'], { encoding: 'utf8' }).split('\n')
  const messages = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  return messages.flatMap(({ recipients }) => recipients.map((one) => one.delay_reason)).find((one) => one)
}

async function outcome() {
  for (;;) {
    const { items } = await api('messages')
    if (items.length > 0) return { arrived: await api(`messages/${items[0].id}`) }
    const reason = kept()
    if (reason !== undefined) return { reason }
    await pause()
  }
}

execFileSync('ip', ['link', 'set', 'lo', 'up'])
const lab = await startLab()
const postfix = await startPostfix()
try {
  const transport = createTransport({ host: '127.0.0.1', port: Number(port), ignoreTLS: true })
  await transport.sendMail({ from: 'alice@lab.test', to: 'bob@lab.test', subject: 'by DANE', text: 'hello' })
  console.log(JSON.stringify(await outcome()))
} finally {
  process.kill(-postfix.pid, 'SIGTERM')
  lab.kill('SIGTERM')
  await Promise.all([postfix, lab].map((child) => child.exitCode ?? once(child, 'exit')))
}
