interface UvHandle {
  readonly type: string
  readonly is_active?: boolean
  readonly localEndpoint?: { readonly port: number } | null
  readonly remoteEndpoint?: object | null
}

/** Returns the libuv handles of this thread, also those without a reference, which `getActiveResourcesInfo` leaves out. */
const handles = (): readonly UvHandle[] =>
  (process.report.getReport() as unknown as { libuv: readonly UvHandle[] }).libuv

/** Returns the TCP ports that this thread listens on. */
export const listeningPorts = (): number[] =>
  handles().flatMap(({ type, localEndpoint, remoteEndpoint }) =>
    type === 'tcp' && localEndpoint && !remoteEndpoint ? [localEndpoint.port] : [],
  )

/** Returns the type of each active socket and pipe, sorted. */
export const activeHandles = (): string[] =>
  handles()
    .flatMap(({ type, is_active: isActive }) => (isActive && /^(?:tcp|pipe)$/.test(type) ? [type] : []))
    .sort()
