import { mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../support/run-program.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
const modules = join(project, 'node_modules')

/** The versions of packages that check files of the recipes, and that this project does not have. */
const versions: Readonly<Record<string, string>> = {
  '@actions/workflow-parser': '0.3.61',
  '@kubernetes-models/cert-manager': '4.4.4',
  'gitlab-ci-local': '4.75.1',
  'kubernetes-models': '5.1.0',
  kustomize: '4.5.4',
}

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>
  devDependencies: Readonly<Record<string, string>>
}
/** The packages that this project has, with their versions. */
const ours = { ...dependencies, ...devDependencies }

/** The packages that check files of the recipes, with their versions. */
export const checkers = Object.entries(versions)

/** Installs packages that check files of a recipe in a folder. Those that this project has are links to them. */
export async function installPackages(folder: string, names: readonly string[]): Promise<void> {
  const linked = names.filter((name) => Object.hasOwn(ours, name))
  const downloaded = names.filter((name) => !linked.includes(name))
  if (downloaded.length > 0) await npmInstall(folder, downloaded)
  for (const name of linked) link(join(modules, name), join(folder, 'node_modules', name))
  linkPrograms(folder, linked)
}

async function npmInstall(folder: string, names: readonly string[]): Promise<void> {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const packages = names.map((name) => {
    if (!versions[name]) throw new Error(`test/recipes/npm-packages.ts: add the version of ${name}`)
    return `${name}@${versions[name]}`
  })
  const { status, stderr } = await runProgram('npm', ['install', ...options, ...packages], { cwd: folder })
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')}\n${stderr}`)
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path)
}

/** Links the commands of packages, which `npx` runs. */
function linkPrograms(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const { bin = {} } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')) as {
      bin?: string | Record<string, string>
    }
    const programs = typeof bin === 'string' ? { [name.replace(/^@.*\//, '')]: bin } : bin
    for (const [program, file] of Object.entries(programs))
      link(join(modules, name, file), join(folder, 'node_modules/.bin', program))
  }
}

let tarball: Promise<string> | undefined
/** Returns the path of a tarball of this checkout, which is packed once. dist/ must be built. */
export function tarballOfSealpost(): Promise<string> {
  tarball ??= pack()
  return tarball
}

async function pack(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-tarball-'))
  // Without scripts: packing must not rebuild dist/, which other tests use.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const { status, stdout, stderr } = await runProgram('npm', args, { cwd: project })
  if (status !== 0) throw new Error(stderr)
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  return join(folder, filename)
}
