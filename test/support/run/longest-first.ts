import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Starts the files that wait long before all others, so that the run does not end with one of them on idle cores. vitest
 * sorts the others: by their last duration, or in a new checkout by their size.
 * @param waiting the paths of these files, the longest first
 */
export const longestFirst = (waiting: readonly string[]): typeof BaseSequencer =>
  class LongestFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const rank = ({ moduleId }: TestSpecification): number => {
        const found = waiting.findIndex((file) => moduleId.endsWith(`/${file}`))
        return found < 0 ? waiting.length : found
      }
      return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
    }
  }
