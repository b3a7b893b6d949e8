import { z } from 'zod'
import { operationNamed } from '../../invoke.ts'
import type { OperationName } from '../../operation-types.ts'

/** Returns the schema of what an operation answers. One without an answer answers that it is done. */
export function outputOf(name: OperationName): z.ZodType {
  const { output } = operationNamed(name)
  if (typeof output === 'string') throw new Error(`${name} does not answer JSON`)
  return output ?? z.object({ done: z.literal(true) })
}
