import type { InputOf, OperationName, OutputOf } from '../../api/operation-types.ts'
import { ConfigError, type PlacedMistake } from '../../core/config/mistakes.ts'
import { ApiError, type ApiOptions, callApi } from '../shared/api-client.ts'
import { configurationIdentity } from '../shared/configuration.ts'
import { controlSockets } from '../shared/running-labs.ts'

/** Returns whether a lab answers: one on this machine that runs the file, or the one of `--url`. */
export const hasLab = async (options: ApiOptions): Promise<boolean> =>
  options.url !== undefined || (await controlSockets(configurationIdentity(options).identity)).length > 0

/** Runs an operation on the configuration of a lab. @throws ConfigError for mistakes in it; ApiError */
export async function callConfiguration<Name extends OperationName>(
  options: ApiOptions,
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  try {
    return await callApi(options, name, input)
  } catch (error) {
    if (!(error instanceof ApiError) || !Array.isArray(error.problem.errors)) throw error
    throw new ConfigError((error.problem.errors as Mistake[]).map(placed))
  }
}

interface Mistake {
  readonly pointer: string
  readonly message: string
  readonly place?: string
}

function placed({ pointer, message, place }: Mistake): PlacedMistake {
  const line = [place, pointer, message].filter((part) => part !== undefined && part !== '').join(': ')
  return { line, offset: 0, message }
}
