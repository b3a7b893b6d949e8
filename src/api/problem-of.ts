import { ConfigError, pointerOf } from '../core/config/mistakes.ts'
import { MemoryLimitReached } from '../core/octets/memory-budget.ts'
import { SpoolError } from '../core/octets/spool.ts'
import { DatabaseError } from '../storage/index.ts'
import { StoreError, type StoreErrorCode } from '../storage/store/errors.ts'
import { ScriptError } from '../storage/store/sieve-scripts.ts'
import { PkiError, type PkiErrorCode } from '../tls/pki/errors.ts'
import { DeliveryError } from '../transport/delivery/types.ts'
import { ArticleRefused, type RefusalCode } from '../transport/news/article.ts'
import { ApiProblem, type ProblemName } from './problem.ts'

const storeProblems: Readonly<Record<StoreErrorCode, ProblemName>> = {
  exists: 'conflict',
  'not-found': 'not-found',
  'no-space': 'store-failed',
  'over-quota': 'conflict',
  'read-only': 'store-failed',
  failed: 'store-failed',
  unknown: 'store-failed',
  'in-use': 'store-failed',
  'lock-lost': 'store-failed',
  closed: 'stopping',
}

const pkiProblems: Readonly<Record<PkiErrorCode, ProblemName>> = {
  unknown: 'not-found',
  refused: 'conflict',
  malformed: 'invalid',
  password: 'invalid',
  store: 'store-failed',
}

function configProblem({ found, message }: ConfigError): ApiProblem {
  const errors = found.map(({ path = [], message: why, place }) => ({
    pointer: pointerOf(path),
    message: why,
    ...(place === undefined ? {} : { place }),
  }))
  return new ApiProblem('invalid', message.replaceAll('\n', '; '), { errors })
}

const articleProblems: Readonly<Record<RefusalCode, ProblemName>> = {
  invalid: 'invalid',
  duplicate: 'conflict',
  unwanted: 'not-found',
  forbidden: 'forbidden',
  later: 'store-failed',
}

const scriptProblems: Readonly<Record<string, ProblemName>> = {
  ACTIVE: 'conflict',
  ALREADYEXISTS: 'conflict',
  NONEXISTENT: 'not-found',
  'QUOTA/MAXSCRIPTS': 'conflict',
  'QUOTA/MAXSIZE': 'too-large',
}

/** Returns the problem of an error. An unknown error becomes `internal`, without its message: the log has it. */
export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (error instanceof StoreError) return new ApiProblem(storeProblems[error.code], error.message)
  if (error instanceof DatabaseError || error instanceof SpoolError)
    return new ApiProblem('store-failed', error.message)
  if (error instanceof PkiError) return new ApiProblem(pkiProblems[error.code], error.message)
  if (error instanceof ConfigError) return configProblem(error)
  if (error instanceof ArticleRefused) return new ApiProblem(articleProblems[error.code], error.message)
  if (error instanceof ScriptError) return new ApiProblem(scriptProblems[error.code ?? ''] ?? 'invalid', error.message)
  if (error instanceof DeliveryError) return new ApiProblem('invalid', error.message)
  if (error instanceof MemoryLimitReached) return new ApiProblem('out-of-memory', error.message)
  return new ApiProblem('internal', 'the lab failed to answer this request; its log says why')
}
