import { once } from 'node:events'
import type { ListenOptions, Server } from 'node:net'

/**
 * Opens a server of Node.js. What goes wrong with it later (no more file descriptors) is told to `onError`: unheard, it
 * would end the process.
 * @throws the system's error where it cannot listen
 */
export async function listen(server: Server, at: ListenOptions, onError: (error: Error) => void): Promise<void> {
  server.listen(at)
  await once(server, 'listening')
  server.on('error', onError)
}
