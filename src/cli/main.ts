#!/usr/bin/env node
import { explain } from './failure.ts'
import { note } from './output.ts'
import { createProgram } from './program.ts'

// `sealpost cert list | head`: whoever reads no further ends the command, in peace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  const args = process.argv.slice(2)
  await (await createProgram(args)).parseAsync(args, { from: 'user' })
} catch (error) {
  const { lines, status } = explain(error)
  for (const line of lines) note(line)
  process.exitCode = status
}
