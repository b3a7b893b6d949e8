import { existsSync } from 'node:fs'
import { readRegularFile } from '../../../core/files/regular-file.ts'

/**
 * Returns the content of a JSON file that an export wrote; undefined if it does not exist.
 * @param isContent whether the content is what an export writes: another program may use the name
 * @throws Error if it is anything else
 */
export function readJsonFile<T>(path: string, isContent: (value: unknown) => value is T): T | undefined {
  if (!existsSync(path)) return undefined
  const content = parseJson(readRegularFile(path).toString('utf8'))
  if (isContent(content)) return content
  throw new Error(`${path} was not written by an export. Move it to another folder, and import again`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
