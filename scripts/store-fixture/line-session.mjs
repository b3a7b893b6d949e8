// Clients of IMAP and NNTP that show the lines of the server as they are.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

async function open(port) {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error('the server closed the connection')
    return value
  }
  await next()
  return { socket, next }
}

/** Logs on with IMAP4, calls `work` with a function that sends a command and returns its untagged lines, and ends. */
export async function withImap(port, user, work) {
  const { socket, next } = await open(port)
  let number = 0
  const send = async (command) => {
    const tag = `a${++number}`
    socket.write(`${tag} ${command}\r\n`)
    const found = []
    for (;;) {
      const line = await next()
      if (line.startsWith(`${tag} OK`)) return found
      if (line.startsWith(`${tag} `)) throw new Error(`${command}: ${line}`)
      found.push(line)
    }
  }
  try {
    await send(`LOGIN ${user} secret`)
    return await work(send)
  } finally {
    socket.destroy()
  }
}

/** Calls `work` with functions that send a command of NNTP and return its first line, or its lines, or post an article. */
export async function withNntp(port, work) {
  const { socket, next } = await open(port)
  const line = async (command) => {
    socket.write(`${command}\r\n`)
    const answer = await next()
    if (!/^[23]/.test(answer)) throw new Error(`${command}: ${answer}`)
    return answer
  }
  const lines = async (command) => {
    await line(command)
    const found = []
    for (;;) {
      const one = await next()
      if (one === '.') return found
      found.push(one)
    }
  }
  const post = async (article) => {
    await line('POST')
    await line(`${article.join('\r\n')}\r\n.`)
  }
  try {
    return await work({ line, lines, post })
  } finally {
    socket.destroy()
  }
}
