import { anyOf, type Condition, notAll } from '../../../src/api/messages/search.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { invalid, type JsonObject, MethodError, shownValue } from './types.ts'

const MAX_DEPTH = 10
const MAX_CONDITIONS = 500

/**
 * Returns the conditions that a filter means. All must hold. RFC 8620 section 5.5.
 * @param ofProperty returns those of a property of a FilterCondition; undefined for an unknown property
 * @throws MethodError `unsupportedFilter`, `invalidArguments`
 */
export function filterConditions<M>(
  filter: JsonObject | null,
  ofProperty: (name: string, value: unknown) => readonly Condition<M>[] | undefined,
): Condition<M>[] {
  let count = 0
  const compiled = (one: unknown, depth: number): Condition<M>[] => {
    if (!isMapping(one)) throw invalid('a condition of the filter is not an object')
    if (++count > MAX_CONDITIONS || depth > MAX_DEPTH)
      throw unsupportedFilter(`a filter has at most ${MAX_CONDITIONS} conditions, ${MAX_DEPTH} levels deep`)
    const { operator, conditions } = one
    if (operator === undefined)
      return Object.entries(one).flatMap(([name, value]) => {
        const found = ofProperty(name, value)
        if (!found) throw unsupportedFilter(`the filter ${name.slice(0, 100)} is not supported`)
        return found
      })
    if (!Array.isArray(conditions)) throw invalid('a filter operator has no list of conditions')
    const lists = conditions.map((each) => compiled(each, depth + 1))
    if (operator === 'AND') return lists.flat()
    if (operator === 'OR') return [anyOf(lists)]
    // None of them matches.
    if (operator === 'NOT') return lists.map((list) => notAll(list))
    throw unsupportedFilter(`the filter operator ${shownValue(operator)} is not AND, OR or NOT`)
  }
  return filter === null ? [] : compiled(filter, 0)
}

/** Returns the names of the properties in a filter, also in one that `filterConditions` rejects. */
export function propertiesOf(filter: unknown, depth = 0): string[] {
  if (!isMapping(filter) || depth > MAX_DEPTH) return []
  const { operator, conditions } = filter
  if (operator === undefined) return Object.keys(filter)
  return Array.isArray(conditions) ? conditions.flatMap((one) => propertiesOf(one, depth + 1)) : []
}

export const unsupportedFilter = (description: string): MethodError => new MethodError('unsupportedFilter', description)

/** Returns the condition that an object passes a test, which needs no reading. */
export const whenever = <M>(ofEntry: (one: M) => boolean): Condition<M>[] => [{ key: '', negated: false, ofEntry }]
