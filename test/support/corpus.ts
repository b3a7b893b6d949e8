import fs from 'node:fs'
import path from 'node:path'

interface CorpusMessage {
  readonly name: string
  readonly raw: Buffer
}

/** Returns the folder of real mail, from `SEALPOST_CORPUS`; undefined if it is not set. @throws if it is not set in CI */
export function corpusFolder(): string | undefined {
  const folder = process.env.SEALPOST_CORPUS
  if (!folder && process.env.SEALPOST_CI === '1') throw new Error('SEALPOST_CORPUS is not set')
  return folder || undefined
}

/** Returns every message of the corpus by name; an empty list if there is no corpus. */
export function corpus(): CorpusMessage[] {
  const folder = corpusFolder()
  if (!folder) return []
  const names = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.eml'))
    .sort()
  return names.map((name) => ({ name, raw: fs.readFileSync(path.join(folder, name)) }))
}
