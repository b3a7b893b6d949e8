import { type Answer, type ProviderCall, RawJson } from '../types.ts'
import { invalid } from './errors.ts'

/** The names of fields, each with those inside it, if not all are wanted. */
type Fields = Map<string, Fields | undefined>

const MAX_CHARS = 2_000

/** Returns an answer with the fields that the request selects. https://developers.google.com/workspace/gmail/api/guides/performance */
export function selected(call: ProviderCall, answer: Answer): Answer {
  const text = new URL(call.c.req.url).searchParams.get('fields')
  if (text === null || typeof answer.body !== 'object' || Buffer.isBuffer(answer.body)) return answer
  return { ...answer, body: only(answer.body, fieldsIn(text)) as object }
}

/** Parses `messages(id,payload/headers),nextPageToken`. @throws ProviderError `invalid` */
function fieldsIn(text: string): Fields {
  const tokens = text.length <= MAX_CHARS ? (text.match(/[\w*@$-]+|[^\s]/g) ?? []) : []
  const wrong = () => invalid(`Invalid field selection ${text.slice(0, 100)}`)
  const list = (): Fields => {
    const found: Fields = new Map()
    do {
      const name = tokens.shift() ?? ''
      if (!/^[\w*@$-]+$/.test(name)) throw wrong()
      found.set(name, inside() ?? undefined)
    } while (tokens[0] === ',' && tokens.shift())
    return found
  }
  const inside = (): Fields | undefined => {
    if (tokens[0] === '/') {
      tokens.shift()
      const name = tokens.shift() ?? ''
      if (!/^[\w*@$-]+$/.test(name)) throw wrong()
      return new Map([[name, inside()]])
    }
    if (tokens[0] !== '(') return undefined
    tokens.shift()
    const found = list()
    if (tokens.shift() !== ')') throw wrong()
    return found
  }
  const found = list()
  if (tokens.length > 0) throw wrong()
  return found
}

function only(value: unknown, fields: Fields | undefined): unknown {
  if (!fields || typeof value !== 'object' || value === null || value instanceof RawJson) return value
  if (Array.isArray(value)) return value.map((one) => only(one, fields))
  const isWanted = ([name]: [string, unknown]): boolean => fields.has(name) || fields.has('*')
  const wanted = Object.entries(value).filter(isWanted)
  return Object.fromEntries(wanted.map(([name, one]) => [name, only(one, fields.get(name) ?? fields.get('*'))]))
}
