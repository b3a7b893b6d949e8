import { expect, test, vi } from 'vitest'
import { startLab } from '../../src/testing/index.ts'

// A project without Playwright.
vi.mock('node:module', async (original) => {
  const module = await original<typeof import('node:module')>()
  const createRequire: typeof module.createRequire = (from) =>
    Object.assign((name: string) => {
      if (name.includes('playwright'))
        throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' })
      return module.createRequire(from)(name)
    }, module.createRequire(from))
  return { ...module, createRequire, default: { ...module, createRequire } }
})

test('mail.preview() says what to install, at the line of the test', async () => {
  await using lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
  await lab.deliver({ html: '<p>x' }, 'alice')
  const mail = await lab.waitForMessage('alice')
  const error = await mail.preview().catch((reason: Error) => reason)
  expect(error).toMatchObject({
    message:
      'preview: needs Playwright, which is not installed; run: npm install --save-dev playwright && npx playwright install chromium',
    stack: expect.stringMatching(/\n\s+at .*preview\.test\.ts/),
  })
})
