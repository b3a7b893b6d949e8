import { ApiProblem } from '../../src/api/problem.ts'

/** A media range of an Accept field: `text/*;q=0.5`. RFC 9110 section 12.5.1. */
interface MediaRange {
  readonly type: string
  readonly subtype: string
  readonly isWanted: boolean
}

const rangesIn = (field: string): MediaRange[] =>
  field.split(',').flatMap((text) => {
    const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
    if (range === '') return []
    const [type = '', subtype = ''] = range.split('/')
    return [{ type, subtype, isWanted: !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one)) }]
  })

/**
 * Returns whether a client accepts a media type. The most specific range decides. A type such as `image/*`, which stands
 * for several, is accepted if one of them may be.
 * @param field the Accept field; without it, everything is accepted
 */
function accepts(field: string | undefined, mediaType: string): boolean {
  const ranges = rangesIn(field ?? '')
  if (ranges.length === 0) return true
  const [type = '', subtype = ''] = mediaType.toLowerCase().split(';')[0]?.trim().split('/') ?? []
  const isOpen = type === '*' || subtype === '*'
  if (isOpen) return ranges.some((one) => one.isWanted && (type === '*' || one.type === '*' || one.type === type))
  const levels = [
    ranges.filter((one) => one.type === type && one.subtype === subtype),
    ranges.filter((one) => one.type === type && one.subtype === '*'),
    ranges.filter((one) => one.type === '*'),
  ]
  return levels.find((level) => level.length > 0)?.some(({ isWanted }) => isWanted) ?? false
}

/** @throws ApiProblem `not-acceptable` if a client accepts none of the types that an answer can have */
export function assertAcceptable(field: string | undefined, types: readonly string[]): void {
  if (types.length === 0 || types.some((type) => accepts(field, type))) return
  throw new ApiProblem('not-acceptable', `the answer is ${types.join(' or ')}; the field Accept excludes it: ${field}`)
}
