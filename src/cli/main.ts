#!/usr/bin/env node
// Without static imports and top-level await, so that an old Node.js prints the line below and not a syntax error.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 20 || (major === 20 && minor >= 19)) {
  void import('./program.ts').then(async ({ runCommandLine }) => {
    // `sealpost cert list | head`: the command ends quietly when the reader closes the pipe.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
    process.exitCode = await runCommandLine(process.argv.slice(2))
  })
} else {
  process.stderr.write(`sealpost: Node.js 20.19 or later is required; this is ${process.versions.node}\n`)
  process.exitCode = 1
}

export {}
