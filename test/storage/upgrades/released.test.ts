import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../../scripts/store-fixture.mjs', import.meta.url))
const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))

test.each(readdirSync(fixtures))('a store and a configuration of %s keep everything', async (fixture) => {
  // It restores the backup in a new folder, starts the lab, asks it by IMAP, NNTP and the commands, and checks the store.
  const { stdout } = await promisify(execFile)(process.execPath, [script, 'read', join(fixtures, fixture)])
  const { then, now } = JSON.parse(stdout)
  expect(now).toMatchObject(then)
  expect(then.accounts.alice.mailboxes.INBOX.messages.map(({ uid }: { uid: string }) => uid)).toEqual([
    '1',
    '2',
    '4',
    '5',
  ])
})
