import { useEffect, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { pathWith } from '../router.ts'

type RecipeGroups = typeof import('virtual:recipes')['default']

/** Returns the recipes, which are loaded when they are first needed. Undefined: not loaded yet. */
export function useRecipes(): RecipeGroups | undefined {
  const [groups, setGroups] = useState<RecipeGroups>()
  useEffect(() => {
    import('virtual:recipes').then(
      ({ default: found }) => setGroups(found),
      () => {},
    )
  }, [])
  return groups
}

/** Links to the recipes for frameworks and tools. */
export const RecipeLinks = () => (
  <dl class="recipe-links" lang="en">
    {useRecipes()?.map(({ title, recipes }) => (
      <div key={title}>
        <dt>{title}</dt>
        {recipes.map((recipe) => (
          <dd key={recipe.name}>
            <Link href={pathWith(['client-settings'], { recipe: recipe.name })}>{recipe.title}</Link>
          </dd>
        ))}
      </div>
    ))}
  </dl>
)
