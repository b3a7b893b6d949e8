import type { Readable } from 'node:stream'

const MAX_LINES = 20

/** The last lines that a container has printed. */
export class LogTail {
  #lines: string[] = []
  #rest = ''

  /** Reads the log of a container. */
  follow(stream: Readable): void {
    this.#lines = []
    this.#rest = ''
    stream.on('data', (chunk: Buffer | string) => this.#add(chunk.toString()))
    // The error of a log that ends early is not the reason of a failure.
    stream.on('error', () => {})
  }

  #add(text: string): void {
    const [rest = '', ...whole] = `${this.#rest}${text}`.split(/\r?\n/).reverse()
    this.#rest = rest
    this.#lines = [...this.#lines, ...whole.reverse()].slice(-MAX_LINES)
  }

  /** Returns an error for a container that did not start, with what it has printed. */
  explain(error: Error, hint: string | undefined): Error {
    const lines = [...this.#lines, this.#rest].filter((line) => line.trim() !== '')
    const log = lines.length > 0 ? ['The container printed:', ...lines.map((line) => `  ${line}`)] : []
    return new Error(
      [`The Sealpost container did not start: ${error.message}`, ...(hint ? [hint] : []), ...log].join('\n'),
      {
        cause: error,
      },
    )
  }
}
