import { progress } from '@clack/prompts'
import type { CopyProgress } from '../../storage/store/copy/copy-store.ts'
import { note } from '../shared/output.ts'

const TITLES = { copying: 'Copying', verifying: 'Verifying' } as const
/** How often a line is written where there is no terminal. */
const LINE_MS = 10_000
/** How often the bar changes. */
const BAR_MS = 100

type Bar = ReturnType<typeof progress>

/** Shows how far a copy is on standard error: a bar for each step, or lines if there is no terminal. */
export class CopyProgressBar {
  readonly #isTerminal = process.stderr.isTTY && process.env.TERM !== 'dumb'
  #step: CopyProgress['step'] | undefined
  #bar: Bar | undefined
  #shown = 0
  #at = 0

  show({ step, messages, ofMessages }: CopyProgress): void {
    const text = `${TITLES[step]}: ${messages} of ${ofMessages} messages`
    if (step !== this.#step) this.#begin(step, ofMessages)
    const now = performance.now()
    if (now - this.#at < (this.#isTerminal ? BAR_MS : LINE_MS) && messages < ofMessages) return
    this.#at = now
    if (this.#bar) this.#bar.advance(messages - this.#shown, text)
    else note(text)
    this.#shown = messages
  }

  end(): void {
    this.#bar?.stop('')
    this.#bar = undefined
  }

  /** Gives the terminal back after an error. */
  [Symbol.dispose](): void {
    this.#bar?.error('')
  }

  #begin(step: CopyProgress['step'], messages: number): void {
    this.end()
    this.#step = step
    this.#shown = 0
    this.#at = performance.now()
    if (!this.#isTerminal) return
    this.#bar = progress({ max: Math.max(1, messages), output: process.stderr })
    this.#bar.start(TITLES[step])
  }
}
