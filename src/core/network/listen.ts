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

/** Returns why a port cannot be opened and what to do, from the code of the system's error. */
export function listenFailure(address: string, port: number, { code, message }: NodeJS.ErrnoException): string {
  return `cannot listen on ${address} port ${port}: ${listenFailures[code ?? ''] ?? message}`
}

const listenFailures: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is in use by another program; stop that program, or set another port or a portOffset',
  EACCES: 'this needs more privileges (ports below 1024 require root); set a portOffset, for example 3000',
  EADDRNOTAVAIL: 'this machine does not have that address',
}
