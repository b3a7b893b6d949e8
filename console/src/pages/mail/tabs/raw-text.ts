import { call } from '../../../api/client.ts'

/** Returns the octets of a message as text. Octets that are not UTF-8 are shown as Latin-1. */
export async function rawText(id: string, inside: string | undefined, signal: AbortSignal): Promise<string> {
  const octets = await (await call('messages.raw', { id, inside }, { signal })).arrayBuffer()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    return new TextDecoder('windows-1252').decode(octets)
  }
}
