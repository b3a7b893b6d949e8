import { Binder } from './bind.ts'
import { SieveMistake } from './lexer.ts'
import { parse } from './parser.ts'
import { CompiledScript, Run } from './run.ts'
import {
  type CompileResult,
  SIEVE_LIMITS,
  type SieveEnvironment,
  type SieveLimits,
  type SieveMessage,
  type SieveResult,
  type SieveScript,
} from './types.ts'
import { VOCABULARY } from './vocabulary.ts'

/** The extensions, as in the capability SIEVE of ManageSieve (RFC 5804 section 1.7). */
export const SIEVE_CAPABILITIES: readonly string[] = [...VOCABULARY.extensions].sort()

/** Mistakes that are reported together at most. */
const MAX_MISTAKES = 20

/** Compiles a script in UTF-8. Returns it, or the mistakes in it. RFC 5228. */
export function compileScript(source: string | Buffer, limits: Partial<SieveLimits> = {}): CompileResult {
  const all = { ...SIEVE_LIMITS, ...limits }
  const start = { line: 1, column: 1 }
  if (Buffer.byteLength(source) > all.scriptOctets)
    return { errors: [{ ...start, message: `the script is larger than ${all.scriptOctets} bytes; shorten it` }] }
  const text = source.toString().replace(/^\ufeff/, '')
  const binder = new Binder(VOCABULARY)
  try {
    const commands = binder.script(parse(text, all))
    const errors = binder.mistakes.slice(0, MAX_MISTAKES).map(({ report }) => report)
    return errors.length > 0 ? { errors } : { script: new CompiledScript([...binder.requires], commands) }
  } catch (error) {
    if (error instanceof SieveMistake) return { errors: [error.report] }
    throw error
  }
}

/**
 * Runs a script of `compileScript` on a message. Executes nothing: returns the actions. A mistake that shows during the run is in
 * the result, which then keeps the message.
 */
export function runScript(
  script: SieveScript,
  message: SieveMessage,
  environment: SieveEnvironment,
  limits: Partial<SieveLimits> = {},
): Promise<SieveResult> {
  const run = new Run(message, environment, { ...SIEVE_LIMITS, ...limits }, VOCABULARY.extensions)
  return run.result(script as CompiledScript)
}
