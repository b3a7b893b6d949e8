#!/usr/bin/env node
import { runSendmail } from './run.ts'

process.exitCode = await runSendmail(process.argv.slice(2), async (args) =>
  (await import('../program.ts')).runCommandLine(args),
)
