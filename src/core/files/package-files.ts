import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Assets {
  isSea(): boolean
  getRawAsset(name: string): ArrayBuffer
  /** Since Node.js 24.8. */
  getAssetKeys(): readonly string[]
}

const assets = process.getBuiltinModule('node:sea') as unknown as Assets

/** Whether this is the binary (`npm run build:binary`), which has the files of the package inside. */
export const isBinary: boolean = assets.isSea()

/** The folder of this package: the one with `package.json`. For the binary, the folder that it is in. */
export const packageFolder: string = isBinary
  ? dirname(process.execPath)
  : findPackage(dirname(fileURLToPath(import.meta.url)))

function findPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findPackage(dirname(folder))
}

/** Returns the content of a file of this package; undefined if there is none. */
export function readPackageFile(name: string): Buffer | undefined {
  if (!isBinary) return readIfThere(join(packageFolder, name))
  return assets.getAssetKeys().includes(name) ? Buffer.from(assets.getRawAsset(name)) : undefined
}

/** Returns the paths of the files in a folder of this package, with `/`. */
export function packageFileNames(folder: string): string[] {
  const within = `${folder}/`
  if (isBinary) {
    const inside = assets.getAssetKeys().filter((name) => name.startsWith(within))
    return inside.map((name) => name.slice(within.length))
  }
  return filesOf(join(packageFolder, folder))
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function filesOf(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((one) => one.isFile())
      .map((one) =>
        join(one.parentPath, one.name)
          .slice(folder.length + 1)
          .replaceAll('\\', '/'),
      )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
