import type { Locator, Page } from 'playwright-core'

/** Someone who does a task with a pointer and a keyboard. Counts what it takes. */
export class Person {
  readonly page: Page
  /** The width of the window, in CSS pixels. */
  readonly width: number
  clicks = 0
  keys = 0

  constructor(page: Page, width: number) {
    this.page = page
    this.width = width
  }

  async click(what: Locator): Promise<void> {
    this.clicks++
    await what.click()
  }

  /** Clicks a button, unless a part of its name is enough to tell it from others. */
  button(name: string | RegExp, within: Page | Locator = this.page): Promise<void> {
    return this.click(within.getByRole('button', { name, exact: true }).first())
  }

  /** Types over what a field has. It is clicked first if it has no focus. */
  async type(field: Locator, text: string): Promise<void> {
    await field.waitFor()
    if (!(await field.evaluate((element) => element === element.ownerDocument.activeElement))) await this.click(field)
    this.keys += text.length
    await field.fill(text)
  }

  /** Chooses from a list: one click opens it, one chooses. */
  async choose(list: Locator, option: string): Promise<void> {
    this.clicks += 2
    await list.selectOption(option)
  }

  async press(key: string): Promise<void> {
    this.keys++
    await this.page.keyboard.press(key)
  }

  /** Chooses files in the dialog of the system, which takes two clicks: one opens it, one takes the file. */
  async pick(button: Locator, file: string): Promise<void> {
    this.clicks += 2
    const choosing = this.page.waitForEvent('filechooser')
    await button.click()
    await (await choosing).setFiles(file)
  }

  /** Opens a page of the rail. */
  async goTo(name: string): Promise<void> {
    await this.click(this.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }))
  }

  /** Opens a tab, which is under More where it has no room. */
  async tab(name: string | RegExp): Promise<void> {
    const tab = this.page.getByRole('tab', { name, includeHidden: true }).first()
    await tab.waitFor({ state: 'attached' })
    // The tabs find their room right after they appear.
    await this.page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
    if ((await tab.getAttribute('aria-selected')) === 'true') return
    if (!(await tab.isHidden())) return this.click(tab)
    const more = this.page.locator('.more-tabs')
    await this.click(more.locator('summary'))
    await this.click(more.getByRole('button', { name }).first())
  }
}
