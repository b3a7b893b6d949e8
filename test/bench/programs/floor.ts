import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/**
 * The minimum cost of ingest in Node.js: servers that read SMTP, IMAP4 and NNTP, keep every message and check nothing. A
 * message must end with the octets that have arrived, or be followed by commands.
 */
const { key, cert, ca } = JSON.parse(process.argv[2] ?? '{}') as { key: string; cert: string; ca: string }
const context = createSecureContext({ key, cert })
const ARENA_OCTETS = 8 * 1024 * 1024
const END = Buffer.from('\r\n.\r\n')
const NOTHING = Buffer.alloc(0)

let arenas: Buffer[] = []
let used = ARENA_OCTETS
function keep(octets: Buffer): void {
  if (used + octets.length > ARENA_OCTETS) {
    arenas.push(Buffer.allocUnsafeSlow(ARENA_OCTETS))
    used = 0
  }
  used += octets.copy(arenas[arenas.length - 1] as Buffer, used)
}

/** Takes octets, and returns how many of them it has used. The rest comes again, with what arrives next. */
type Take = (octets: Buffer, reply: (line: string) => void) => number

/** Serves a connection: each piece that arrives gets one write with all replies. */
function serve(socket: Socket, take: Take): void {
  let held: Buffer | undefined
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    const octets = held ? Buffer.concat([held, chunk]) : chunk
    let replies = ''
    const taken = take(octets, (line) => {
      replies += `${line}\r\n`
    })
    held = taken < octets.length ? octets.subarray(taken) : undefined
    if (replies !== '') socket.write(replies, 'latin1')
  })
}

/**
 * Passes octets to `content` as long as a message arrives, and otherwise whole lines to `line`.
 * @param content returns how many octets it has used; undefined if no message arrives
 */
function takeAll(octets: Buffer, content: (rest: Buffer) => number | undefined, line: (text: string) => void): number {
  let at = 0
  while (at < octets.length) {
    const used = content(octets.subarray(at))
    if (used === 0) break
    if (used !== undefined) {
      at += used
      continue
    }
    const end = octets.indexOf(10, at)
    if (end === -1) break
    line(octets.toString('latin1', at, end - 1))
    at = end + 1
  }
  return at
}

const ANSWERS: Readonly<Record<string, string>> = {
  EHLO: '250-floor\r\n250-PIPELINING\r\n250 STARTTLS',
  DATA: '354 go',
  QUIT: '221 bye',
}

function smtp(socket: Socket): void {
  let isData = false
  /** The end of what has arrived before. */
  let before: Buffer = NOTHING
  socket.write('220 floor\r\n')
  const take: Take = (octets, reply) =>
    takeAll(
      octets,
      (rest) => {
        if (!isData) return undefined
        keep(rest)
        const last = (rest.length < END.length ? Buffer.concat([before, rest]) : rest).subarray(-END.length)
        before = last.subarray(1 - END.length)
        if (last.equals(END)) {
          isData = false
          reply('250 2.0.0 OK')
        }
        return rest.length
      },
      (text) => {
        const command = text.slice(0, 4)
        isData = command === 'DATA'
        before = NOTHING
        if (command === 'STAR') secure(socket)
        else reply(ANSWERS[command] ?? '250 2.1.0 OK')
      },
    )
  serve(socket, take)

  function secure(plain: Socket): void {
    plain.removeAllListeners('data')
    plain.write('220 go\r\n')
    serve(new TLSSocket(plain, { isServer: true, secureContext: context }), take)
  }
}

function imap(socket: Socket): void {
  let left = 0
  let tag = ''
  socket.write('* OK floor\r\n')
  serve(socket, (octets, reply) =>
    takeAll(
      octets,
      (rest) => {
        if (left === 0) return undefined
        const part = Math.min(left, rest.length)
        keep(rest.subarray(0, part))
        left -= part
        return part
      },
      (text) => {
        if (text === '') return reply(`${tag} OK`)
        tag = text.slice(0, text.indexOf(' '))
        const literal = text.lastIndexOf('{')
        if (literal === -1) return reply(`${tag} OK`)
        left = Number.parseInt(text.slice(literal + 1), 10)
        if (!text.endsWith('+}')) reply('+ go')
      },
    ),
  )
}

function nntp(socket: Socket): void {
  let answer: string | undefined
  socket.write('200 floor\r\n')
  serve(socket, (octets, reply) =>
    takeAll(
      octets,
      (rest) => {
        if (answer === undefined) return undefined
        const end = rest.indexOf(END)
        if (end === -1) return 0
        keep(rest.subarray(0, end + 2))
        reply(answer)
        answer = undefined
        return end + END.length
      },
      (text) => {
        if (text.startsWith('TAKETHIS ')) answer = `239 ${text.slice(9)}`
        else if (text === 'POST') {
          answer = '240 OK'
          reply('340 go')
        } else reply('200 OK')
      },
    ),
  )
}

const listen = (serveOne: (socket: Socket) => void): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer({ noDelay: true }, serveOne).listen(
      { port: 0, host: '127.0.0.1', backlog: 1024 },
      () => {
        const bound = server.address()
        resolve(typeof bound === 'object' && bound ? bound.port : 0)
      },
    )
  })

const [port, smtpPort, nntpPort] = [await listen(imap), await listen(smtp), await listen(nntp)]
process.on('message', (what) => {
  if (what === 'collect') global.gc?.()
  if (what === 'reset') {
    arenas = []
    used = ARENA_OCTETS
  }
  process.send?.('done')
})
process.on('SIGTERM', () => process.exit(0))
process.send?.({ port, smtpPort, nntpPort, ca })
