import { afterAll, beforeAll } from 'vitest'
import type { LabInput, TestLab } from '../../src/testing/index.ts'
import { Recipe, type RecipeOptions } from './recipe.ts'
import { RecipeLab } from './recipe-lab.ts'

/** The lab of a test file, and the recipes that run against it. */
interface Recipes {
  /** The running lab that the pages name by `localhost` and the ports of `npm start`. */
  readonly lab: TestLab
  /** Opens docs/recipes/NAME.md. Its folder is removed after the last test. */
  open(name: string, options?: RecipeOptions): Promise<Recipe>
}

/**
 * Starts a lab before the tests of this file and stops it after them.
 * @param config keys that the recipes set besides those of `npm start`
 */
export function useRecipes(config?: LabInput): Recipes {
  const open: Recipe[] = []
  let place: RecipeLab | undefined
  beforeAll(async () => {
    place = await RecipeLab.start(config)
  })
  afterAll(async () => {
    for (const recipe of open) recipe[Symbol.dispose]()
    await place?.[Symbol.asyncDispose]()
  })
  const running = (): RecipeLab => {
    if (!place) throw new Error('the lab of the recipes starts with the tests')
    return place
  }
  return {
    get lab() {
      return running().lab
    },
    async open(name, options) {
      const recipe = await Recipe.open(name, running(), options)
      open.push(recipe)
      return recipe
    },
  }
}
