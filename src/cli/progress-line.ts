import { shown } from './output.ts'

const ERASE = '\r\x1b[K'
const DEFAULT_COLUMNS = 80

/** One line on standard error that shows how far a command is. Only a terminal sees it. */
export class ProgressLine {
  readonly #isShown = process.stderr.isTTY && process.env.TERM !== 'dumb'

  /** Replaces the line. Cuts it to the width of the terminal. */
  show(text: string): void {
    if (!this.#isShown) return
    const columns = process.stderr.columns ?? DEFAULT_COLUMNS
    process.stderr.write(`${ERASE}${shown(text).slice(0, columns - 1)}`)
  }

  clear(): void {
    if (this.#isShown) process.stderr.write(ERASE)
  }
}
