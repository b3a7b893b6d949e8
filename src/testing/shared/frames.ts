import type { Socket } from 'node:net'
import { deserialize, serialize } from 'node:v8'

/** What one side asks the other; values as structured clone keeps them: patterns, dates and octets go through. */
export interface Request {
  readonly id: number
  readonly token: string
  readonly tenant: string
  readonly method: string
  readonly args: readonly unknown[]
}

export type Response =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly name: string; readonly message: string } }

const HEAD_OCTETS = 4

/** @throws DataCloneError where a value cannot go through, as a function */
export function writeFrame(socket: Socket, value: Request | Response): void {
  const body = serialize(value)
  const head = Buffer.alloc(HEAD_OCTETS)
  head.writeUInt32BE(body.length)
  socket.write(Buffer.concat([head, body]))
}

/** Calls `take` for each frame that comes; whoever sends something else is let go. */
export function readFrames(socket: Socket, take: (value: unknown) => void): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= HEAD_OCTETS && held.length >= HEAD_OCTETS + held.readUInt32BE()) {
      const end = HEAD_OCTETS + held.readUInt32BE()
      const body = held.subarray(HEAD_OCTETS, end)
      held = held.subarray(end)
      try {
        take(deserialize(body))
      } catch (error) {
        socket.destroy(error as Error)
        return
      }
    }
  })
}
