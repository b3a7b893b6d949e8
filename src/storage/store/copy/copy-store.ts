import { type DigestOfStore, StoreDigest } from './digest.ts'
import type { StoreItem, StoreItems } from './types.ts'

/** Where a copy is written to: a store, or a file. */
export interface CopyTarget {
  restore(items: StoreItems): Promise<void>
  dump(): StoreItems
}

/** How far a copy is. `verifying`: the copy is read again. */
export interface CopyProgress {
  readonly step: 'copying' | 'verifying'
  readonly messages: number
  readonly ofMessages: number
}

/** The copy differs from its source. */
class CopyDiffers extends Error {
  override readonly name = 'CopyDiffers'
}

/**
 * Copies everything and reads the copy again.
 * @throws CopyDiffers if the copy has other counts, octets or another hash; what reading and writing throw
 */
export async function copyStoreItems(
  from: StoreItems,
  to: CopyTarget,
  report: (progress: CopyProgress) => void = () => {},
): Promise<DigestOfStore> {
  const source = new StoreDigest()
  await to.restore(source.through(counting('copying', from, report)))
  const written = source.result
  const found = await new StoreDigest().of(counting('verifying', to.dump(), report))
  if (found.hash !== written.hash) {
    const [was, is] = [written, found].map(({ counts, octets }) => JSON.stringify({ ...counts, octets }))
    throw new CopyDiffers(
      `the copy differs from its source: ${was === is ? 'other content' : `${is} instead of ${was}`}`,
    )
  }
  return written
}

async function* counting(
  step: CopyProgress['step'],
  items: StoreItems,
  report: (progress: CopyProgress) => void,
): AsyncGenerator<StoreItem, void, void> {
  let [messages, ofMessages] = [0, 0]
  for await (const item of items) {
    if (item.type === 'store') ofMessages = item.messages
    if (item.type === 'message') messages++
    if (item.type === 'store' || item.type === 'message') report({ step, messages, ofMessages })
    yield item
  }
}
