/** The exports of scripts/install-lines.mjs that tests use. */
interface InstallLines {
  readonly PAGES: readonly string[]
  readonly publishedAt: string | undefined
  releaseLines(repository: string): Readonly<Record<string, string>>
  render(page: string, state: { readonly version: string; readonly published?: string | undefined }): string
}

export const installLines = (): Promise<InstallLines> =>
  import(new URL('../../scripts/install-lines.mjs', import.meta.url).href) as Promise<InstallLines>
