import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from '../support/run-program.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
const modules = join(project, 'node_modules')

/** The versions of packages that the recipes install and this project does not have. */
const versions: Readonly<Record<string, string>> = {
  '@actions/workflow-parser': '0.3.61',
  '@kubernetes-models/cert-manager': '4.4.4',
  '@nestjs/common': '12.5.1',
  '@nestjs/core': '12.5.1',
  '@nestjs/platform-express': '12.5.1',
  '@nestjs/testing': '12.1.1',
  '@playwright/test': '1.65.1',
  cypress: '15.3.0',
  express: '5.3.0',
  'gitlab-ci-local': '4.75.1',
  jest: '30.5.2',
  'kubernetes-models': '5.1.0',
  kustomize: '4.5.4',
  next: '16.4.6',
  react: '19.3.1',
  'react-dom': '19.3.1',
  'reflect-metadata': '0.2.2',
  rxjs: '7.8.2',
  supertest: '7.3.2',
}

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  dependencies: Readonly<Record<string, string>>
  devDependencies: Readonly<Record<string, string>>
}
/** The packages that this project has, with their versions. */
const ours = { ...dependencies, ...devDependencies }

/** The packages of this project and of the recipes. */
export const knownPackages = (): string[] => Object.keys({ ...ours, ...versions })

/** Returns the version of a package that the recipes use. @throws if none is set */
export function versionOf(name: string): string {
  if (name === 'sealpost') return 'this'
  const version = ours[name] ?? versions[name]
  if (!version) throw new Error(`test/recipes/npm-packages.ts: add the version of ${name}`)
  return version
}

/**
 * Installs the packages of a recipe in a folder. Those that this project has are links to them, so most recipes need no
 * registry.
 * @param isLinked false for programs that follow no links
 */
export async function installPackages(folder: string, names: readonly string[], isLinked = true): Promise<void> {
  const linked = names.filter((name) => isLinked && Object.hasOwn(ours, name))
  const downloaded = names.filter((name) => name !== 'sealpost' && !linked.includes(name))
  if (downloaded.length > 0) await npmInstall(folder, downloaded)
  for (const name of linked) link(join(modules, name), join(folder, 'node_modules', name))
  linkPrograms(folder, linked)
  if (names.includes('sealpost')) installSealpost(folder)
}

async function npmInstall(folder: string, names: readonly string[]): Promise<void> {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const packages = names.map((name) => `${name}@${versionOf(name)}`)
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

/** Copies what was built. A link would hide the packages of the recipe, such as test runners, from it. */
function installSealpost(folder: string): void {
  const copy = join(folder, 'node_modules/sealpost')
  for (const name of ['package.json', 'dist', 'config'])
    cpSync(join(project, name), join(copy, name), { recursive: true })
  link(modules, join(copy, 'node_modules'))
  link(join(copy, 'dist/src/cli/main.js'), join(folder, 'node_modules/.bin/sealpost'))
}
