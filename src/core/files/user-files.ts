import { open } from 'node:fs/promises'
import { fileError } from './file-errors.ts'

/** Largest file that people can hand to a lab: certificates, keys, requests, revocation lists, configurations. */
const MAX_OCTETS = 16 << 20

const CHUNK_OCTETS = 64 << 10

const tooLargeError = (name: string): Error =>
  new Error(`${name} cannot be read: it is larger than ${MAX_OCTETS >> 20} MiB; check that it is the right file`)

/**
 * Reads a file that people name: certificates, keys, requests, revocation lists, configurations. Also a pipe or a device.
 * @throws Error with a sentence for people; too large files are not read to their end
 */
export async function readUserFile(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r')
    if ((await file.stat()).size > MAX_OCTETS) throw tooLargeError(path)
    return await gather(file.createReadStream({ highWaterMark: CHUNK_OCTETS }), path)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === undefined ? error : fileError(error, path, 'read')
  }
}

/** Reads a stream to its end, for example standard input. @param name its name in messages @throws Error if it is too large */
export async function gather(stream: AsyncIterable<unknown>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of stream) {
    octets += (chunk as Buffer).length
    if (octets > MAX_OCTETS) throw tooLargeError(name)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}
