import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { type CopyProgress, copyStoreItems } from '../../storage/store/copy/copy-store.ts'
import type { DigestOfStore } from '../../storage/store/copy/digest.ts'
import { filePlace, isCopyable } from '../../storage/store/copy/places.ts'
import type { Lab } from '../lab.ts'
import { ControlError } from './messages.ts'

/** How often the client is told how far the copy is. */
const REPORT_MS = 200

/** Copies everything in the lab's store to a file. Yields the progress, and at the end the digest. @throws StoreError */
export async function* dump(
  { store }: Lab,
  path: string,
): AsyncGenerator<CopyProgress | { readonly digest: DigestOfStore }> {
  if (!isCopyable(store)) throw new ControlError('the store of this lab cannot be copied')
  let latest: CopyProgress | undefined
  let isDone = false
  const copy = filePlace(path)
    .write((target) => copyStoreItems(store.dump(), target, (progress) => (latest = progress)))
    .finally(() => (isDone = true))
  copy.catch(() => {})
  while (!isDone) {
    let timer: NodeJS.Timeout | undefined
    const pause = new Promise((resolve) => (timer = setTimeout(resolve, REPORT_MS)))
    await Promise.race([
      copy.then(
        () => {},
        () => {},
      ),
      pause,
    ])
    clearTimeout(timer)
    if (latest) yield latest
  }
  yield { digest: await copy }
}
