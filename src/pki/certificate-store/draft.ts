import { createHash, type KeyObject } from 'node:crypto'
import { privateKeyPem } from '../keys.ts'
import { publicKeyInfo } from '../x509/extensions.ts'
import type { StoreIndex } from './index-file.ts'

/** A file name that people recognise: `default-smtp-virtual-server`. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 48) || 'unnamed'

/** The change being made: an index to alter at will, and the files that go with it. Nothing is seen until it is whole. */
export class Draft {
  readonly index: StoreIndex
  readonly files = new Map<string, string>()
  readonly #read: (path: string) => Promise<string>

  constructor(index: StoreIndex, read: (path: string) => Promise<string>) {
    this.index = structuredClone(index)
    this.#read = read
  }

  async read(path: string): Promise<string> {
    return this.files.get(path) ?? (await this.#read(path))
  }

  /** Adds a file. Returns its path. */
  put(path: string, text: string): string {
    this.files.set(path, text)
    return path
  }

  /** Adds a private key; the same key has the same path. */
  putKey(title: string, key: KeyObject): string {
    const id = createHash('sha1').update(publicKeyInfo(key)).digest('hex').slice(0, 8)
    return this.put(`keys/${slug(title)}-${id}.pem`, privateKeyPem(key))
  }
}
