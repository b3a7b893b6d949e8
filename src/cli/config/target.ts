import type { InputOf, OperationName, OutputOf } from '../../api/operation-types.ts'
import { ConfigError, type PlacedMistake, pointerText } from '../../core/config/mistakes.ts'
import { type ApiOptions, callApi } from '../shared/api-client.ts'
import { ApiError, type Refused } from '../shared/failure.ts'

/** Runs an operation on the configuration of a lab. @throws ConfigError for mistakes in it; ApiError */
export async function callConfiguration<Name extends OperationName>(
  options: ApiOptions,
  name: Name,
  input: InputOf<Name>,
): Promise<OutputOf<Name>> {
  try {
    return await callApi(options, name, input)
  } catch (error) {
    if (!(error instanceof ApiError) || error.refused.length === 0) throw error
    throw new ConfigError(error.refused.map(toPlacedMistake))
  }
}

function toPlacedMistake({ pointer, message, place }: Refused): PlacedMistake {
  const line = [place, pointerText(pointer), message].filter((part) => part !== undefined && part !== '').join(': ')
  return { line, offset: 0, message }
}
