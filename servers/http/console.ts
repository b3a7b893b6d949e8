import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packageFileNames, readPackageFile } from '../../src/core/files/package-files.ts'

/** A request for a file of the console. */
export interface FileRequest {
  /** Path of the URL, as the lab sees it. */
  readonly path: string
  readonly accept: string
  readonly acceptEncoding: string
  readonly ifNoneMatch: string | undefined
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
}

/**
 * The console runs its own scripts, shows messages in frames of its own origin, and loads nothing from anywhere else.
 * Components set sizes and positions by the style property, which the policy does not limit. https://www.w3.org/TR/CSP3/
 */
const CONSOLE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "base-uri 'self'",
  "frame-ancestors 'self'",
].join('; ')

/** First parts of paths that are never pages of the console. */
const NOT_PAGES = /^(?:api|assets|mailpit|mailhog|maildev|smtp4dev|greenmail|metrics|livez|readyz)(?:\/|$)/
/** Files that gzip makes smaller. */
const TEXT = /\.(?:js|css|html|svg|json|webmanifest)$/

const INDEX = 'index.html'
/** Files whose names change with their content. */
const ASSETS = 'assets/'
/** The base in index.html. It is replaced by the path from the page to the base of the console. */
const BASE = '<base href="./" />'

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sealpost</title>
<h1>The console is not built</h1>
<p>Run <code>npm run build</code> in the folder of Sealpost, and load this page again.
<p>The API works without it: <a href="api/docs">its description</a>.
</html>
`

/** The files of the console, which `npm run build` writes into dist/console, also while the lab runs. */
export class Console {
  readonly #folder: string
  #known: ReadonlySet<string>
  readonly #read = new Map<string, Buffer>()

  constructor(folder = 'dist/console') {
    this.#folder = folder
    this.#known = new Set(packageFileNames(folder))
  }

  /** Returns whether there is a file. Looks again for one that is not known. */
  #has(file: string): boolean {
    if (!this.#known.has(file) && file.startsWith(ASSETS)) this.#known = new Set(packageFileNames(this.#folder))
    return this.#known.has(file)
  }

  /** Answers a request for a file or a page of the console. Undefined for other paths. */
  answer({ path, ...request }: FileRequest): Response | undefined {
    const below = belowBase(path)
    const file = fileNamed(below)
    if (file !== INDEX && this.#has(file)) return this.#file(file, request)
    return this.isPage({ path, ...request }) ? this.#page(below.split('/').length - 1, request) : undefined
  }

  /** Returns whether a request is for a page of the console, not for a file or another path. */
  isPage({ path, accept }: FileRequest): boolean {
    const below = belowBase(path)
    const file = fileNamed(below)
    if ((file !== INDEX && this.#has(file)) || NOT_PAGES.test(below)) return false
    return below === '' || accept.includes('text/html')
  }

  #file(file: string, { acceptEncoding, ifNoneMatch }: Omit<FileRequest, 'path'>): Response | undefined {
    const isHashed = file.startsWith(ASSETS)
    const coding = acceptEncoding.includes('gzip') && TEXT.test(file) ? 'gzip' : undefined
    const octets = this.#octets(file, coding)
    if (!octets) return undefined
    return fileAnswer(octets, {
      isHashed,
      ifNoneMatch,
      type: TYPES[extname(file)] ?? 'application/octet-stream',
      coding,
    })
  }

  /** Every page is the same document. Relative references work below the base paths of proxies and tenants. */
  #page(depth: number, { ifNoneMatch }: Omit<FileRequest, 'path'>): Response {
    const index = readPackageFile(`${this.#folder}/${INDEX}`)
    if (!index) {
      return fileAnswer(Buffer.from(NOT_BUILT.replace('api/docs', `${'../'.repeat(depth)}api/docs`)), {
        isHashed: false,
        ifNoneMatch,
        type: TYPES['.html'] as string,
        status: 503,
      })
    }
    const html = index.toString('utf8').replace(BASE, `<base href="${'../'.repeat(depth) || './'}" />`)
    return fileAnswer(Buffer.from(html), { isHashed: false, ifNoneMatch, type: TYPES['.html'] as string })
  }

  #octets(file: string, coding: 'gzip' | undefined): Buffer | undefined {
    const key = `${file}${coding ?? ''}`
    const known = this.#read.get(key)
    if (known) return known
    const octets = readPackageFile(`${this.#folder}/${file}`)
    const coded = octets && coding ? gzipSync(octets) : octets
    if (coded && file.startsWith(ASSETS)) this.#read.set(key, coded)
    return coded
  }
}

/** Returns a path without its first slash and the base of a tenant. */
const belowBase = (path: string): string => path.replace(/^\/t\/[^/]+(?=\/)/, '').slice(1)

/** Returns the file that a path means. Paths with malformed escapes mean none. */
function fileNamed(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

interface FileFacts {
  /** Whether the name of the file changes with its content. */
  readonly isHashed: boolean
  readonly type: string
  readonly coding?: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly status?: number
}

/** RFC 9110 sections 8.8.3 and 13.1.2. */
function fileAnswer(octets: Buffer, { isHashed, type, coding, ifNoneMatch, status = 200 }: FileFacts): Response {
  const etag = `"${createHash('sha256').update(octets).digest('base64url').slice(0, 22)}"`
  const headers = {
    ETag: etag,
    Vary: 'Accept-Encoding',
    'Cache-Control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    ...(type.startsWith('text/html') ? { 'Content-Security-Policy': CONSOLE_POLICY } : {}),
  }
  if (status === 200 && ifNoneMatch?.includes(etag)) return new Response(null, { status: 304, headers })
  return new Response(octets as Uint8Array<ArrayBuffer>, {
    status,
    headers: {
      ...headers,
      'Content-Type': type,
      'Content-Length': `${octets.length}`,
      ...(coding ? { 'Content-Encoding': coding } : {}),
    },
  })
}
