import { anyOf, type Condition, notAll } from '../../../../src/api/messages/search.ts'
import { GraphError } from './errors.ts'

const MAX_DEPTH = 50
/** Each is tested with every message. */
const MAX_TERMS = 100

/** The forms of tokens. Before an `adjacent` one, `and` can be left out. */
type Syntax = Readonly<Record<'token' | 'or' | 'and' | 'not' | 'adjacent', RegExp>>

/** Takes the next token if it has a form. */
type Take = (form: RegExp) => string | undefined
/** Takes the next token. @throws GraphError that says where the text is wrong if it has another form */
type Need = (form: RegExp) => string

/**
 * Reads an expression of terms, words such as `and`, and parentheses. Returns conditions that must all hold.
 * @throws GraphError
 */
export function readExpression<M>(
  text: string,
  { token, or, and, not, adjacent }: Syntax,
  term: (take: Take, need: Need) => Condition<M>,
): Condition<M>[] {
  const tokens = [...text.matchAll(token)]
  let [next, terms] = [0, 0]
  const take: Take = (form) => (form.test(tokens[next]?.[0] ?? '') ? tokens[next++]?.[0] : undefined)
  const need: Need = (form) => {
    const place = `at position ${tokens[next]?.index ?? text.length} in '${text.slice(0, 200)}'`
    return take(form) ?? bad(`Invalid clause: Syntax error ${place}.`)
  }
  const one = (depth: number): Condition<M>[] => {
    if (depth > MAX_DEPTH || terms === MAX_TERMS) bad(`The expression has more than ${MAX_TERMS} terms or is too deep.`)
    if (take(not) !== undefined) return [notAll(one(depth + 1))]
    if (take(/^\($/) === undefined) {
      terms++
      return [term(take, need)]
    }
    const inner = either(depth + 1)
    need(/^\)$/)
    return inner
  }
  const every = (depth: number): Condition<M>[] => {
    const all = one(depth)
    while (take(and) !== undefined || adjacent.test(tokens[next]?.[0] ?? '')) all.push(...one(depth))
    return all
  }
  const either = (depth: number): Condition<M>[] => {
    const lists = [every(depth)]
    while (take(or) !== undefined) lists.push(every(depth))
    return lists.length === 1 ? lists.flat() : [anyOf(lists)]
  }
  const all = either(0)
  if (next < tokens.length) need(/(?!)/)
  return all
}

/** @throws GraphError */
export const bad = (message: string): never => {
  throw new GraphError(400, 'BadRequest', message)
}
