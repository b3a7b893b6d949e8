#!/usr/bin/env node
// Without static imports and top-level await, so that an old Node.js prints the line below and not a syntax error.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

/** The binary's name as a link. Node.js has its own name otherwise. */
const SENDMAIL = /(?:^|[/\\])(?:sealpost-)?sendmail(?:\.exe)?$/

/** Loading the program opens up to 140 files at the same time. Connections need more. */
const MIN_OPEN_FILES = 256

/** Bits of a file's mode, of the group and of all others. */
const WRITABLE_BY_OTHERS = 0o022
const OPEN_TO_OTHERS = 0o077

/** Returns the limit of open files where the system provides it without delay (Linux). */
function openFilesLimit(): number {
  try {
    const limits = process.getBuiltinModule('node:fs').readFileSync('/proc/self/limits', 'utf8')
    return Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Keeps compiled code in the user's folder for caches. Without a folder nothing is kept. */
async function keepCompiledCode(): Promise<void> {
  const { XDG_CACHE_HOME, HOME, NODE_DISABLE_COMPILE_CACHE } = process.env
  const { enableCompileCache } = process.getBuiltinModule('node:module') as {
    enableCompileCache?(folder: string): unknown
  }
  // A relative path is invalid. https://specifications.freedesktop.org/basedir/latest/
  const { isAbsolute } = process.getBuiltinModule('node:path')
  const folder = [XDG_CACHE_HOME, HOME && `${HOME}/.cache`].find((one) => one && isAbsolute(one))
  if (!folder || NODE_DISABLE_COMPILE_CACHE || !isOwn(folder)) return
  if (enableCompileCache) enableCompileCache(`${folder}/sealpost`)
  // Before Node.js 22.1
  else (await import('./compiled-code.ts')).keepCompiledCode(`${folder}/sealpost/commands`)
}

/**
 * Makes our folder in a folder for caches. Returns whether nobody else can put code into it: sudo can keep the HOME of a
 * user for root.
 */
function isOwn(folder: string): boolean {
  const user = process.geteuid?.()
  if (user === undefined) return true
  const { lstatSync, mkdirSync, readdirSync, statSync } = process.getBuiltinModule('node:fs')
  const { dirname } = process.getBuiltinModule('node:path')
  const ours = `${folder}/sealpost`
  const ownerOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.uid
  const isClosed = (path: string): boolean => {
    const stats = lstatSync(path)
    return stats.isDirectory() && stats.uid === user && (stats.mode & WRITABLE_BY_OTHERS) === 0
  }
  try {
    if ((ownerOf(folder) ?? ownerOf(dirname(folder))) !== user) return false
    mkdirSync(ours, { recursive: true, mode: 0o700 })
    // Node.js 22 makes the folders in it, which the umask can leave open to a group that cannot reach them.
    const reachable = lstatSync(ours).mode & OPEN_TO_OTHERS ? readdirSync(ours) : []
    return [ours, ...reachable.map((name) => `${ours}/${name}`)].every(isClosed)
  } catch {
    return false
  }
}

function fail(reason: string): void {
  process.stderr.write(`sealpost: ${reason}\n`)
  process.exitCode = 1
}

if (major < 20 || (major === 20 && minor < 19) || (major === 22 && minor < 3)) {
  fail(`Node.js 20 (20.19 or later), or 22.3 or later is required; this is ${process.versions.node}`)
} else if (openFilesLimit() < MIN_OPEN_FILES) {
  // Otherwise the loader fails at some file of the program.
  fail(
    `the limit of open files is ${openFilesLimit()}, but Sealpost needs at least ${MIN_OPEN_FILES}; raise it, for example with: ulimit -n 1024`,
  )
} else {
  // It only saves time: a command runs without it.
  void keepCompiledCode()
    .catch(() => {})
    .then(run)
}

function run(): void {
  const isCalledSendmail = SENDMAIL.test(process.argv0)
  if (isCalledSendmail || process.argv[2] === 'sendmail') {
    // Programs start it for each message: the other commands are not loaded.
    void import('./sendmail/run.ts').then(async ({ runSendmail }) => {
      process.exitCode = await runSendmail(process.argv.slice(isCalledSendmail ? 2 : 3), async (args) =>
        (await import('./program.ts')).runCommandLine(args),
      )
    })
    return
  }
  void import('./program.ts').then(async ({ runCommandLine }) => {
    process.stdout.on('error', endWithoutOutput)
    process.exitCode = await runCommandLine(process.argv.slice(2))
  })
}

/** Ends the command because its standard output cannot be written. */
function endWithoutOutput(error: NodeJS.ErrnoException): void {
  // `sealpost cert list | head`: the command ends quietly when the reader closes the pipe.
  if (error.code === 'EPIPE') process.exit(0)
  void import('./program.ts').then(({ fileErrorText }) => {
    fail(fileErrorText(error, 'standard output', 'written'))
    process.exit(1)
  })
}

export {}
