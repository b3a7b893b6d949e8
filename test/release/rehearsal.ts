import { expect } from 'vitest'
import { canCopyMachine } from '../packaging/machine-copy.ts'
import { repository } from '../packaging/packages.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

export const canRehearse =
  canCopyMachine && ['dpkg-deb', 'cosign', 'curl', 'openssl', 'xz'].map((name) => needs(name)).every(Boolean)

/** Rehearses a release with these install lines of README, and expects that each of them and every check passes. */
export async function expectRehearsal(lines: readonly string[]): Promise<void> {
  const args = ['scripts/release-rehearse.mjs', '--short', '--stand-in', '--only', lines.join(',')]
  const { status, stdout, stderr } = await runProgram(process.execPath, args, { cwd: repository, timeoutMs: 900_000 })
  expect([status, stderr]).toEqual([0, ''])
  for (const name of lines) expect(stdout).toMatch(new RegExp(`^\\| ${name} \\| [\\d.]+ s \\|`, 'm'))
  expect(stdout).toContain('signature: valid; a changed file is refused')
  expect(stdout).toMatch(/^SBOM: \d+ packages, each with licence and hash$/m)
  expect(stdout).toMatch(/^provenance: \d+ files, commit [0-9a-f]{12}$/m)
  expect(stdout).toMatch(/^licences: \d+ packages: every licence is compatible with MIT$/m)
}
