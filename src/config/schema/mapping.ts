import { z } from 'zod'

const unknownKeys = z.never()

/**
 * Defines a mapping whose keys are built when the first one is read: a start uses some of the mappings, and to build
 * all of them takes three times as long. Unknown keys are mistakes, as in `z.strictObject`.
 */
export function mapping<Shape extends z.ZodRawShape>(shape: () => Shape): z.ZodObject<Shape, z.core.$strict> {
  let built: Shape | undefined
  return new z.ZodObject({
    type: 'object',
    get shape() {
      built ??= shape()
      return built
    },
    catchall: unknownKeys,
  }) as z.ZodObject<Shape, z.core.$strict>
}
