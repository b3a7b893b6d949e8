import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { reasonText } from '../../files/file-errors.ts'
import { type Mistake, type Path, valueAt } from '../mistakes.ts'
import type { AccountConfig, LabConfig } from '../schema.ts'
import { type AccountFormat, accountFormats, parseAccounts } from './formats.ts'

/** The accounts of all files of a configuration, and what is wrong with the files. */
export interface AccountsOfFiles {
  readonly accounts: readonly AccountConfig[]
  readonly mistakes: readonly Mistake[]
}

/** The largest file: some hundred thousand accounts. */
const MAX_OCTETS = 16 << 20
/** Most mistakes of one file that are reported. The wrong file has one in each line. */
const MAX_MISTAKES = 20

const ACCOUNT_FILES: Path = ['directory', 'accountFiles']

/** Reads the files that `directory.accountFiles` of a configuration names. It need not be valid. */
export function readAccountFiles(config: unknown, baseDir: string): AccountsOfFiles {
  const listed = valueAt(config, ACCOUNT_FILES)
  if (!Array.isArray(listed)) return { accounts: [], mistakes: [] }
  const found = listed.map((entry: unknown, index) => {
    const file = valueAt(entry, ['file'])
    const wanted = valueAt(entry, ['format'])
    const format = accountFormats.find((one) => one === wanted)
    const isValid = typeof file === 'string' && file !== '' && format === wanted
    return isValid ? readFile(resolve(baseDir, file), index, format) : NOTHING
  })
  return { accounts: found.flatMap((one) => one.accounts), mistakes: found.flatMap((one) => one.mistakes) }
}

const NOTHING: AccountsOfFiles = { accounts: [], mistakes: [] }

function readFile(file: string, index: number, format: AccountFormat | undefined): AccountsOfFiles {
  const path = [...ACCOUNT_FILES, index, 'file']
  let text: string
  try {
    text = readAccountFile(file)
  } catch (error) {
    return { accounts: [], mistakes: [{ path, message: (error as Error).message }] }
  }
  const { entries, mistakes } = parseAccounts(text, format)
  const shown = mistakes.slice(0, MAX_MISTAKES).map(({ line, message }) => `${file}:${line}: ${message}`)
  const left = mistakes.length - shown.length
  if (left > 0) shown.push(`${file}: ${left} more mistakes; check format and file`)
  return {
    accounts: entries.map(({ line, ...account }) => ({ ...account, origin: { file, line, index } })),
    mistakes: shown.map((message) => ({ path, message })),
  }
}

/** @throws Error that names the file */
function readAccountFile(file: string): string {
  let octets: Buffer
  try {
    const facts = statSync(file)
    if (!facts.isFile()) throw new Error('it is not a file; name a file')
    if (facts.size > MAX_OCTETS)
      throw new Error(`it is larger than ${MAX_OCTETS >> 20} MiB; check that it is the right file`)
    octets = readFileSync(file)
  } catch (error) {
    throw new Error(`cannot read ${file}: ${reasonText(error as NodeJS.ErrnoException, 'read')}`, { cause: error })
  }
  if (!isUtf8(octets)) throw new Error(`${file} is not UTF-8; save it as UTF-8`)
  return octets.toString()
}

/** Returns a configuration with the accounts of its files after its own. */
export function withAccountsOfFiles(config: LabConfig, { accounts }: AccountsOfFiles): LabConfig {
  if (accounts.length === 0) return config
  const { directory } = config
  return { ...config, directory: { ...directory, accounts: [...directory.accounts, ...accounts] } }
}

/** Returns a mistake about an account of a file at the key that names the file. */
export function atAccountFile(mistake: Mistake, { directory }: LabConfig): Mistake {
  const [top, list, index] = mistake.path
  if (top !== 'directory' || list !== 'accounts' || typeof index !== 'number') return mistake
  const origin = directory.accounts[index]?.origin
  if (!origin) return mistake
  const message = `${origin.file}:${origin.line}: ${mistake.message}`
  return { path: [...ACCOUNT_FILES, origin.index, 'file'], message }
}
