import { get as httpGet } from 'node:http'
import { get as httpsGet } from 'node:https'
import { rootCertificates } from 'node:tls'
import { PkiError } from '../errors.ts'

const TIMEOUT_MS = 15_000

/** Makes sure that an ACME directory answers and can be trusted, before anything is changed for it. @throws PkiError `refused` */
export async function reachDirectory(directoryUrl: string, ca: string | undefined): Promise<void> {
  const body = await fetchText(directoryUrl, ca).catch((cause: Error) => {
    throw new PkiError('refused', `${directoryUrl} cannot be reached: ${cause.message}`, { cause })
  })
  if (!body.includes('"newOrder"')) throw new PkiError('refused', `${directoryUrl} is no ACME directory`)
}

function fetchText(url: string, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = new URL(url).protocol === 'https:' ? httpsGet : httpGet
    const asking = get(
      url,
      { agent: false, timeout: TIMEOUT_MS, ...(ca ? { ca: [...rootCertificates, ca] } : {}) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
      },
    )
    asking.on('timeout', () => asking.destroy(new Error('no answer in time')))
    asking.on('error', reject)
  })
}
