import { emitKeypressEvents, type Key } from 'node:readline'
import { styleText } from 'node:util'
import { oneLine } from '../shared/output.ts'
import { padToWidth, shortenToWidth } from '../shared/text-width.ts'

// Control sequences of ECMA-48 and xterm.
const CSI = '\x1b['
const ENTER = `${CSI}?1049h${CSI}?25l`
const LEAVE = `${CSI}?25h${CSI}?1049l`
const HOME = `${CSI}H`
const CLEAR_TO_END_OF_LINE = `${CSI}K`
const REVERSED = `${CSI}7m`
const NOT_REVERSED = `${CSI}27m`

/** Signals that end the program. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** A line of the screen. */
export interface ScreenLine {
  readonly text: string
  readonly style?: 'bold' | 'inverse' | 'dim'
}

/** The whole terminal, with the content from before when it ends, also by an error or a signal. */
export class Screen implements Disposable {
  readonly #onKey: (text: string | undefined, key: Key) => void
  readonly #onResize: () => void
  readonly #onExit = (): void => this[Symbol.dispose]()
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]()
    process.kill(process.pid, signal)
  }

  /** @param draw called when the size has changed */
  constructor(press: (key: Key) => void, draw: () => void) {
    this.#onKey = (text, key) => press({ ...key, sequence: text ?? key.sequence })
    this.#onResize = draw
    const { stdin, stdout } = process
    process.once('exit', this.#onExit)
    for (const signal of SIGNALS) process.once(signal, this.#onSignal)
    emitKeypressEvents(stdin)
    stdin.setRawMode(true)
    stdin.on('keypress', this.#onKey).resume()
    stdout.on('resize', this.#onResize).write(ENTER)
  }

  get rows(): number {
    return process.stdout.rows || 24
  }

  get columns(): number {
    return process.stdout.columns || 80
  }

  /** Replaces the content. Lines beyond the last row are left out. */
  show(lines: readonly ScreenLine[]): void {
    const rows = Array.from({ length: this.rows }, (_, row) => this.#drawn(lines[row] ?? { text: '' }))
    process.stdout.write(HOME + rows.join('\r\n'))
  }

  #drawn({ text, style }: ScreenLine): string {
    const plain = shortenToWidth(oneLine(text), this.columns)
    // Reversed lines reach the right edge. They show what is selected, so NO_COLOR does not remove them.
    if (style === 'inverse') return REVERSED + padToWidth(plain, this.columns) + NOT_REVERSED
    return (style === undefined ? plain : styleText(style, plain)) + CLEAR_TO_END_OF_LINE
  }

  [Symbol.dispose](): void {
    const { stdin, stdout } = process
    process.off('exit', this.#onExit)
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
    stdout.off('resize', this.#onResize).write(LEAVE)
    stdin.off('keypress', this.#onKey).pause()
    stdin.setRawMode(false)
  }
}
