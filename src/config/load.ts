import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError, inOrder, type Mistake, type Place, placeByPath } from './mistakes.ts'
import { type Override, placeByOrigin, withOverrides } from './overrides.ts'
import { type ResolvedLab, resolveLab } from './resolve.ts'
import type { LabConfig, LabInput } from './schema.ts'
import { validate } from './validate.ts'
import { warnings } from './warnings.ts'
import { parseYaml } from './yaml.ts'

/** A configuration that was read and found right. */
export interface LoadedConfig {
  readonly lab: ResolvedLab
  /** What works but should be known; one line each, with its place. */
  readonly warnings: readonly string[]
  /** Gives mistakes found later (an unknown certificate) their place; one line each. */
  readonly placed: (mistakes: readonly Mistake[]) => string[]
}

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

/**
 * The same for an object, as `startLab({ … })` takes it: mistakes are told by their path alone.
 * @throws ConfigError
 */
export function loadObject(input: LabInput, baseDir: string, overrides: readonly Override[] = []): LoadedConfig {
  return load(input, baseDir, overrides, placeByPath)
}

function load(input: unknown, baseDir: string, overrides: readonly Override[], placeOf: Place): LoadedConfig {
  const place = placeByOrigin(overrides, placeOf)
  const placed = (mistakes: readonly Mistake[]): string[] => inOrder(mistakes, place)
  const result = validate(withOverrides(input, overrides))
  if ('mistakes' in result) throw new ConfigError(placed(result.mistakes))
  const config: LabConfig = result.config
  return { lab: resolveLab(config, baseDir), warnings: placed(warnings(config)), placed }
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
