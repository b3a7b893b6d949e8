import { request } from 'node:http'
import type { HttpLab } from '../client.ts'

/** Sends a request whose Host field names the host of a provider, as that of an application behind a hosts entry does. */
export function askByName(
  http: HttpLab,
  host: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(http.base + path, { method: 'POST', headers: { ...headers, host } }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
    asked.once('error', reject)
    asked.end(body)
  })
}
