import fs from 'node:fs'
import path from 'node:path'

export interface CorpusMessage {
  readonly name: string
  readonly raw: Buffer
}

/** The folder of real mail, by `SEALPOST_CORPUS`; `undefined` where tests may skip, an error where they may not. */
export function corpusFolder(): string | undefined {
  const folder = process.env.SEALPOST_CORPUS
  if (!folder && process.env.SEALPOST_CI === '1') throw new Error('SEALPOST_CORPUS is not set')
  return folder || undefined
}

/** Every message of the corpus in name order; none where there is no corpus. */
export function corpus(): CorpusMessage[] {
  const folder = corpusFolder()
  if (!folder) return []
  const names = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.eml'))
    .sort()
  return names.map((name) => ({ name, raw: fs.readFileSync(path.join(folder, name)) }))
}
