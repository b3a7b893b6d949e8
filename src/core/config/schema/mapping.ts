import { z } from 'zod'

const unknownKeys = z.never()

/**
 * Defines a mapping whose keys are built when the first one is read: a start uses some of the mappings, and to build
 * all of them takes three times as long. Unknown keys are mistakes, as in `z.strictObject`.
 *
 * It relies on zod's class leaving a getter of `shape` in place, without reading it until a value is parsed or the keys
 * are described, and on `type`, `shape` and `catchall` being all that the definition of a strict object has.
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
