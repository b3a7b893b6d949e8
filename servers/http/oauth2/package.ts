import { ApiProblem } from '../../../src/api/problem.ts'
import { installCommand } from '../../../src/core/files/folders.ts'

const PACKAGE = 'oidc-provider'

export type OidcPackage = typeof import('oidc-provider')

/** Loads the package of the authorization server, which is optional. @throws ApiProblem `not-offered` if it is not installed */
export async function loadPackage(): Promise<OidcPackage> {
  addUrlParse()
  try {
    return await import('oidc-provider')
  } catch (cause) {
    const why = `the authorization server needs the package ${PACKAGE}; run: ${installCommand(PACKAGE)}`
    throw Object.assign(new ApiProblem('not-offered', why), { cause })
  }
}

/** Adds `URL.parse`, which the package uses, to Node.js 20. https://url.spec.whatwg.org/#dom-url-parse */
function addUrlParse(): void {
  if ('parse' in URL) return
  const parse = (url: string, base?: string): URL | null => (URL.canParse(url, base) ? new URL(url, base) : null)
  Object.defineProperty(URL, 'parse', { value: parse, configurable: true, writable: true })
}
