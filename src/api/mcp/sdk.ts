import { installCommand } from '../../core/files/folders.ts'
import { ApiProblem } from '../problem.ts'

const PACKAGE = '@modelcontextprotocol/server'

export type Sdk = typeof import('@modelcontextprotocol/server')
type StdioSdk = typeof import('@modelcontextprotocol/server/stdio')

/** Loads the official MCP SDK, an optional package. @throws ApiProblem `not-offered` if it is not installed */
export const loadSdk = (): Promise<Sdk> => import('@modelcontextprotocol/server').catch(throwMissing)

/** Loads the part of the SDK that speaks on standard input and output. @throws ApiProblem `not-offered` */
export const loadStdioSdk = (): Promise<StdioSdk> => import('@modelcontextprotocol/server/stdio').catch(throwMissing)

function throwMissing(cause: unknown): never {
  const problem = new ApiProblem('not-offered', `MCP needs the package ${PACKAGE}; run: ${installCommand(PACKAGE)}`)
  problem.cause = cause
  throw problem
}
