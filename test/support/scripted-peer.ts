import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Starts a peer that greets, answers each line with `answer`, and records what it receives. */
export async function startPeer(greeting: string, answer: (line: string) => string | undefined) {
  const heard: string[] = []
  let octets = ''
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(greeting)
    let held = ''
    socket.on('data', (chunk) => {
      held += chunk.toString('latin1')
      octets += chunk.toString('latin1')
      for (let end = held.indexOf('\r\n'); end !== -1; end = held.indexOf('\r\n')) {
        const line = held.slice(0, end)
        held = held.slice(end + 2)
        heard.push(line)
        const reply = answer(line)
        if (reply !== undefined) socket.write(reply)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    heard,
    octets: () => octets,
    port: (server.address() as AddressInfo).port,
    sessions: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
