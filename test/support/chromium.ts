import { type Browser, chromium } from 'playwright-core'
import { missingPrograms, needs } from './programs.ts'

/** Chromium without windows, of Debian's package of the same name. It takes half of the CPU time. */
const SHELL = 'chromium-headless-shell'

/** Whether Debian's package chromium is installed. */
export const hasChromium = needs('chromium')

/** Returns the options to launch Chromium with more arguments. Pages are drawn without a simulated graphics card. */
export const chromiumOptions = (...args: readonly string[]) => ({
  executablePath: `/usr/bin/${missingPrograms([SHELL]).length === 0 ? SHELL : 'chromium'}`,
  args: ['--no-sandbox', '--disable-background-networking', '--no-first-run', '--disable-gpu', ...args],
})

/** Launches a browser for the tests of one file. */
export const launchChromium = (...args: readonly string[]): Promise<Browser> =>
  chromium.launch(chromiumOptions(...args))

let shared: Promise<Browser> | undefined

/** Returns the browser that the files of a worker share. It ends with the worker. */
export async function sharedChromium(): Promise<Browser> {
  if (shared !== undefined && (await shared).isConnected()) return shared
  shared = launchChromium()
  return shared
}
