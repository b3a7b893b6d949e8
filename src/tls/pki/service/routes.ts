/** A request to the authority service, with its body read. */
export interface ServiceRequest {
  readonly method: 'GET' | 'POST'
  /** The rest of the path after the route, still percent-encoded. */
  readonly rest: string
  readonly path: string
  /** Scheme, host and port that the client called. */
  readonly origin: string
  readonly clientAddress: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

export interface ServiceResponse {
  /** Default: 200. */
  readonly status?: number
  /** The content type. */
  readonly type: string
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

/** A path that the service answers, or a prefix if it ends in a slash. */
export interface Route {
  readonly path: string
  readonly methods: readonly ServiceRequest['method'][]
  handle(request: ServiceRequest): ServiceResponse | Promise<ServiceResponse>
}

/** Returns the most specific route of a path. */
export function findRoute(routes: readonly Route[], path: string): Route | undefined {
  const matching = routes.filter((route) =>
    route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path,
  )
  return matching.sort((a, b) => b.path.length - a.path.length)[0]
}
