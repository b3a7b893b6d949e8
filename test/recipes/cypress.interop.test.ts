import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ConsoleBrowser, hasChromium } from '../console/browser.ts'
import { RECIPE_LIMIT_MS } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const TSCONFIG = `{ "compilerOptions": { "types": ["cypress"], "lib": ["es2022", "dom"], "module": "nodenext", "strict": true,
  "noEmit": true, "skipLibCheck": true }, "include": ["cypress.config.ts", "cypress"] }`

type Command = (subject: never) => unknown

/** Runs the commands of a Cypress test in a page. The program of Cypress is not in the npm registry, so it cannot run here. */
class CommandQueue {
  readonly #page: Page
  #commands: Command[] = []

  constructor(page: Page) {
    this.#page = page
  }

  /** The part of `cy` that the recipe uses. */
  get cy() {
    return {
      visit: (path: string) => this.#add(() => this.#page.goto(new URL(path, this.#page.url()).href)),
      get: (selector: string) => this.#add(() => this.#page.locator(selector)),
      contains: (selector: string, text: string) =>
        this.#add(async () => {
          const found = this.#page.locator(selector, { hasText: text })
          await found.waitFor()
          return found
        }),
      request: (of: string | { url: string; method: string; body: object }) => this.#add(() => request(of)),
    }
  }

  async run(): Promise<unknown> {
    let subject: unknown
    for (let command = this.#commands.shift(); command; command = this.#commands.shift())
      subject = await command(subject as never)
    return subject
  }

  #add(command: Command): object {
    this.#commands.push(command)
    return {
      click: () => this.#add((found: Locator) => found.click()),
      type: (text: string) => this.#add((found: Locator) => found.fill(text)),
      // biome-ignore lint/suspicious/noThenProperty: a command of Cypress
      then: (next: (subject: unknown) => void) => this.#add((subject: unknown) => this.#nested(() => next(subject))),
    }
  }

  /** Runs the commands that a callback adds before those that follow it. */
  async #nested(callback: () => void): Promise<unknown> {
    const later = this.#commands
    this.#commands = []
    callback()
    const result = await this.run()
    this.#commands = later
    return result
  }
}

async function request(of: string | { url: string; method: string; body: object }): Promise<{ body: unknown }> {
  const { url, method, body } = typeof of === 'string' ? { url: of, method: 'GET', body: undefined } : of
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, body ? { method, headers, body: JSON.stringify(body) } : {})
  if (!answer.ok) throw new Error(await answer.text())
  return { body: await answer.json() }
}

describe('Cypress', () => {
  const recipes = useRecipes()
  let recipe: Recipe
  let server: ChildProcess | undefined
  beforeAll(async () => {
    // Its program is not in the npm registry.
    recipe = await recipes.open('cypress', { ports: [3000], env: { CYPRESS_INSTALL_BINARY: '0' } })
    const { status, stderr } = await recipe.run()
    expect(status, stderr).toBe(0)
    writeFileSync(join(recipe.folder, 'lab-ca.pem'), recipes.lab.ca)
    const env = {
      ...process.env,
      PORT: recipe.here('3000'),
      SMTP_PORT: recipe.here('3025'),
      NODE_EXTRA_CA_CERTS: 'lab-ca.pem',
    }
    const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit']
    server = spawn(process.execPath, ['server.mjs'], { cwd: recipe.folder, env, stdio })
    if (server.stdout) await once(server.stdout, 'data')
  }, RECIPE_LIMIT_MS)
  afterAll(() => server?.kill())

  // The variable of Cypress for a program that is installed already.
  it.runIf(process.env.CYPRESS_RUN_BINARY)('passes its test in Cypress', async () => {
    const command = /^npx cypress run$/m.exec(recipe.page.text)?.[0] ?? ''
    const { status, stdout, stderr } = await recipe.sh(command)
    expect([status, stdout], stderr).toEqual([0, expect.stringContaining('All specs passed')])
    expect(await recipes.lab.messages()).toHaveLength(1)
  })

  it('fits the types of Cypress', async () => {
    recipe.write('tsconfig.json', TSCONFIG)
    const { status, stdout } = await recipe.sh('npx tsc')
    expect([status, stdout]).toEqual([0, ''])
    recipe.write('cypress/e2e/wrong.cy.ts', `cy.visits('/')`)
    expect(await recipe.sh('npx tsc')).toMatchObject({ stdout: expect.stringContaining('visits') })
  })

  it.skipIf(!hasChromium)('has a test whose commands sign up with the code from the mail', async () => {
    await using browser = new ConsoleBrowser()
    const queue = new CommandQueue(await browser.open(recipe.here('http://localhost:3000')))
    const tests: (() => void)[] = []
    onTestFinished(() => {
      for (const name of ['cy', 'it']) Reflect.deleteProperty(globalThis, name)
    })
    Object.assign(globalThis, { cy: queue.cy, it: (_name: string, test: () => void) => tests.push(test) })
    recipe.write('sign-up.mjs', recipe.read('cypress/e2e/sign-up.cy.ts'))
    await import(pathToFileURL(join(recipe.folder, 'sign-up.mjs')).href)
    expect(tests).toHaveLength(1)
    tests[0]?.()
    await queue.run()
    const [mail] = await recipes.lab.messages()
    expect(mail?.session?.tls?.version).toBe('TLSv1.3')
  })
})
