import type { MemoryReservation } from '../../../src/core/octets/memory-budget.ts'
import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { checked, crlfSteps } from '../../../src/storage/store/formats/format.ts'
import { octetsOfBlob } from './blobs.ts'
import { filled, isStrings, required } from './checks.ts'
import { assertCount, realId } from './standard.ts'
import type { JsonObject, MethodCall } from './types.ts'

/** Returns the message in octets. Undefined if they are not a message. */
export async function messageIn(octets: Buffer): Promise<Buffer | undefined> {
  const raw = await runInSlices(crlfSteps(octets))
  return checked({ raw, flags: [], internalDate: 0 }, '').refused === undefined ? raw : undefined
}

/**
 * Parses the messages in the blobs of a call. Returns what `parse` returns of them, by the ids of the blobs, and the response
 * of the method without it.
 * @param parse returns undefined for a message that is not of the type
 */
export async function parseBlobs(
  call: MethodCall,
  parse: (raw: Buffer, blobId: string, memory: MemoryReservation, size: number) => Promise<JsonObject | undefined>,
) {
  const blobIds = new Set(required(call, 'blobIds', isStrings))
  assertCount(call, 'maxObjectsInGet', blobIds.size)
  const parsed = new Map<string, JsonObject>()
  const [notParsable, notFound]: [string[], string[]] = [[], []]
  for (const given of blobIds) {
    if (isSliceOver()) await nextSlice()
    const blobId = realId(call, given)
    const octets = await octetsOfBlob(call, blobId)
    using memory = call.api.lab.intake.memory.reservation('messages')
    memory.grow(2 * (octets?.length ?? 0))
    const raw = octets && (await messageIn(octets))
    const found = raw && (await parse(raw, blobId, memory, octets.length))
    if (found) parsed.set(given, found)
    else (octets ? notParsable : notFound).push(given)
  }
  return { parsed, rest: { accountId: call.account.id, notParsable: filled(notParsable), notFound: filled(notFound) } }
}
