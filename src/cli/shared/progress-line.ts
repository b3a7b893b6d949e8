import { oneLine } from './output.ts'
import { shortenToWidth } from './text-width.ts'

const ERASE = '\r\x1b[K'
const DEFAULT_COLUMNS = 80

/**
 * Runs `work` with a line on standard error that shows how far it is. Only a terminal sees the line, until the work ends.
 * @param first the first line
 */
export async function withProgress<T>(first: string, work: (show: (text: string) => void) => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return work(() => {})
  const show = (text: string): void => {
    process.stderr.write(ERASE + shortenToWidth(oneLine(text), (process.stderr.columns || DEFAULT_COLUMNS) - 1))
  }
  try {
    show(first)
    return await work(show)
  } finally {
    process.stderr.write(ERASE)
  }
}
