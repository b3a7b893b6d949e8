import { OverQuota } from '../../errors.ts'
import type { Folder, Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { HoldLimit } from '../../types.ts'
import type { PlannedMessage } from '../plan.ts'

/** A message that a change adds to a folder. */
interface Addition {
  readonly folder: Folder
  readonly sizeOctets: number
}

/** The content of all folders of an owner. */
export interface Held {
  readonly octets: number
  readonly messages: number
}

/**
 * Checks that a change leaves an owner within a limit. Call it where nobody else can change what the owner has.
 * @param heldBy returns what an owner has before the change
 * @throws OverQuota
 */
export function checkLimit(
  added: readonly Addition[],
  limit: HoldLimit | undefined,
  heldBy: (owner: Owner) => Held,
): void {
  const [first] = added
  if (!limit || !first) return
  const { owner } = first.folder
  const { octets, messages } = heldBy(owner)
  const more = added.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0)
  const { octets: maxOctets = Number.POSITIVE_INFINITY, messages: maxMessages = Number.POSITIVE_INFINITY } = limit
  if (octets + more > maxOctets || messages + added.length > maxMessages) throw new OverQuota(owner)
}

/**
 * Checks that messages which are about to be stored leave every owner within its limit.
 * @param sizes the octets of each message, without its prefix
 * @throws OverQuota
 */
export function checkLimits(
  planned: readonly PlannedMessage<unknown>[],
  sizes: (index: number) => number,
  heldBy: (owner: Owner) => Held,
): void {
  const byOwner = new Map<Owner, { readonly limit: HoldLimit; readonly added: Addition[] }>()
  planned.forEach(({ places, prefix }, i) => {
    for (const { folder, target } of places) {
      if (!target.limit) continue
      const known = byOwner.get(folder.owner) ?? { limit: target.limit, added: [] }
      known.added.push({ folder, sizeOctets: sizes(i) + (prefix?.length ?? 0) })
      byOwner.set(folder.owner, known)
    }
  })
  for (const { added, limit } of byOwner.values()) checkLimit(added, limit, heldBy)
}

/** Returns the sum of what folders have. */
export function sumFolders(folders: Iterable<{ readonly exists: number; readonly sizeOctets: number }>): Held {
  let [octets, messages] = [0, 0]
  for (const { exists, sizeOctets } of folders) {
    octets += sizeOctets
    messages += exists
  }
  return { octets, messages }
}

/** Returns what a copy of messages adds to a folder. */
export const additionsTo = (
  { folder }: { readonly folder: Folder },
  entries: readonly MessageEntry[],
): readonly Addition[] => entries.map(({ sizeOctets }) => ({ folder, sizeOctets }))
