import { afterEach, beforeEach, describe } from 'vitest'
import type { Clock } from '../../src/common/clock.ts'
import type { MessageStore } from '../../src/store/types.ts'
import { changeContract } from './store-changes.ts'
import { StoreContext } from './store-context.ts'
import { folderContract } from './store-folders.ts'
import { indexContract } from './store-indexes.ts'
import { lockContract } from './store-locks.ts'
import { messageContract } from './store-messages.ts'
import { valueContract } from './store-values.ts'

export interface StoreUnderTest {
  open(clock: Clock): Promise<MessageStore>
  /** Removes what `open` created. */
  cleanUp?(): Promise<void>
}

/** Defines the tests that every MessageStore must pass. */
export function storeContract(name: string, make: () => StoreUnderTest): void {
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
    indexContract(on)
    changeContract(on)
    lockContract(on)
    valueContract(on)
  })
}
