import { type ApiOptions, callApi } from '../shared/api-client.ts'

/** Returns the ids that arguments name: `latest` is the message that arrived last. @throws Error if there is no message */
export const messageIds = (options: ApiOptions, given: readonly string[]): Promise<string[]> =>
  Promise.all(given.map((id) => (id === 'latest' ? latestId(options) : id)))

async function latestId(options: ApiOptions): Promise<string> {
  const { items } = await callApi(options, 'messages.list', { limit: 1 })
  if (items[0]) return items[0].id
  throw new Error('there is no message yet')
}
