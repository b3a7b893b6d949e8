import { afterEach, beforeEach, describe } from 'vitest'
import type { Clock } from '../../../src/core/time/clock.ts'
import type { CopyableStore } from '../../../src/storage/store/copy/types.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { changeContract } from './store-changes.ts'
import { StoreContext } from './store-context.ts'
import { copyContract } from './store-copies.ts'
import { folderContract } from './store-folders.ts'
import { indexContract } from './store-indexes.ts'
import { limitContract } from './store-limits.ts'
import { lockContract } from './store-locks.ts'
import { messageContract } from './store-messages.ts'
import { aheadContract } from './store-read-ahead.ts'
import { valueContract } from './store-values.ts'

interface StoreUnderTest {
  open(clock: Clock): Promise<MessageStore>
  /** Removes what `open` created. */
  cleanUp?(): Promise<void>
}

/** A store that implements `CopyableStore`. */
interface CopiedStore {
  /** Opens another, empty store of the same kind. It removes what it created when it is disposed of. */
  openAnother(): Promise<CopyableStore>
}

/** Defines the tests that every MessageStore must pass. */
export function storeContract(name: string, make: () => StoreUnderTest, copies?: CopiedStore): void {
  describe(`${name} fulfils the contract of MessageStore`, () => {
    const on = new StoreContext()
    let subject: StoreUnderTest

    beforeEach(async () => {
      subject = make()
      await on.begin((clock) => subject.open(clock))
    })
    afterEach(async () => {
      await on.store[Symbol.asyncDispose]()
      await subject.cleanUp?.()
    })

    folderContract(on)
    messageContract(on)
    aheadContract(on)
    indexContract(on)
    changeContract(on)
    limitContract(on)
    lockContract(on)
    valueContract(on)
    if (copies) copyContract(on, copies.openAnother)
  })
}
