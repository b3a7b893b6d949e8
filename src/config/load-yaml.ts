import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type LoadedConfig, load } from './load.ts'
import { ConfigError } from './mistakes.ts'
import type { Override } from './overrides.ts'
import { parseYaml } from './yaml.ts'

/**
 * Reads a lab's YAML file. Relative folders in it are relative to it.
 * @throws ConfigError with every mistake, each with its place
 */
export async function loadFile(file: string, overrides: readonly Override[] = []): Promise<LoadedConfig> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read: ${reason(error)}`])
  }
  return loadText(text, file, dirname(resolve(file)), overrides)
}

/**
 * The same for a YAML text that is at hand.
 * @param name what it is called in messages
 * @throws ConfigError
 */
export function loadText(
  text: string,
  name: string,
  baseDir: string,
  overrides: readonly Override[] = [],
): LoadedConfig {
  const { value, place } = parseYaml(text, name)
  return load(value, baseDir, overrides, place)
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const known: Record<string, string> = {
    ENOENT: 'no such file',
    EISDIR: 'it is a folder',
    EACCES: 'permission denied',
  }
  return known[code ?? ''] ?? message
}
