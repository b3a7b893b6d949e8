import { once } from 'node:events'
import type { ListenOptions, Server } from 'node:net'

/**
 * Starts a server listening. Reports later errors, such as a lack of file descriptors, to `onError`; without a listener
 * they would end the process.
 * @throws the system's error when it cannot listen
 */
export async function listen(server: Server, at: ListenOptions, onError: (error: Error) => void): Promise<void> {
  server.listen(at)
  await once(server, 'listening')
  server.on('error', onError)
}
