// Types of the runners' fixtures.
import { expect as jestExpect, test as jestTest, labTest } from 'sealpost/jest'
import { useLab } from 'sealpost/mocha'
import { expect as playwrightExpect, test as playwrightTest } from 'sealpost/playwright'

const suite = useLab()

jestTest('matchers', async ({ lab, tenant }) => {
  await jestExpect(tenant).toHaveReceived({ to: 'bob' })
  await jestExpect(lab).not.toHaveReceived('bob')
  await expect(suite.tenant).toHaveReceived({ to: 'bob' }, { timeout: 100 })
  jestExpect(await tenant.waitForMessage()).toHaveBeenEncrypted({ bits: 256 })
  // @ts-expect-error a mistyped key
  await jestExpect(tenant).toHaveReceived({ recipient: 'bob' })
})

jestTest.each([
  ['a', 1],
  ['b', 2],
])('%s', ({ tenant }, ...row) => [tenant.name, row])

labTest({ hostname: 'mail.test' }, { scope: 'test' }).only('one', ({ lab }) => lab.ca)

playwrightTest('fixtures beside those of Playwright', async ({ page, tenant }) => {
  await page.goto('https://shop.test')
  await playwrightExpect(tenant).toHaveReceived({ to: 'bob' })
  playwrightExpect(await tenant.waitForMessage()).toHaveBeenEncrypted()
  // @ts-expect-error a mistyped key
  await playwrightExpect(tenant).toHaveReceived({ recipient: 'bob' })
})
