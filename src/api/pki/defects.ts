import { z } from 'zod'
import { defectRecipes, variantRecipes } from '../../tls/pki/defects/recipes.ts'
import { defineOperation } from '../operation.ts'

const list = defineOperation('certificateDefects.list', 'GET /certificate-defects', {
  listKey: 'name',
  summary: 'List the certificates that a virtual server can serve on purpose: with a defect, or of an unusual kind.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({
    items: z.array(
      z.object({
        name: z.string(),
        kind: z
          .enum(['defect', 'variant'])
          .describe('The key in the configuration: `certificate: { defect: NAME }`. Nothing is wrong with variants.'),
        meaning: z.string(),
      }),
    ),
  }),
  run: async () => ({
    items: [
      ...Object.entries(defectRecipes).map(([name, { meaning }]) => ({ name, kind: 'defect' as const, meaning })),
      ...Object.entries(variantRecipes).map(([name, { meaning }]) => ({ name, kind: 'variant' as const, meaning })),
    ],
  }),
})

export const defectOperations = [list] as const
