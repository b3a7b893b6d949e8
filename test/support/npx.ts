import { newFolder } from './folder.ts'
import { type ProgramResult, runProgram } from './run-program.ts'

/** The version that CI downloads anyway. */
const NODE = 'node@26'

/** Runs a program of the npm registry with the newest Node.js, in a folder of its own. */
export async function npx(package_: string, args: readonly string[]): Promise<ProgramResult> {
  const cwd = newFolder()
  const packages = [NODE, package_].flatMap((one) => ['--package', one])
  return await runProgram('npx', ['--yes', ...packages, '--', ...args], { cwd, env: { NO_COLOR: '1' } })
}
