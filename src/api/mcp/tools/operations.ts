import { z } from 'zod'
import { operationNamed } from '../../invoke.ts'

/** Returns the schema of what an operation answers. One without an answer answers that it is done. */
export function outputOf(name: string): z.ZodType {
  const { output } = operationNamed(name)
  if (typeof output === 'string') throw new Error(`${name} does not answer JSON`)
  return output ?? z.object({ done: z.literal(true) })
}
