/** A request to the authority service, its body read. */
export interface ServiceRequest {
  readonly method: 'GET' | 'POST'
  /** The path behind the part that chose the route, percent-encoding and all. */
  readonly rest: string
  readonly path: string
  /** Scheme, host and port that the client called. */
  readonly origin: string
  readonly clientAddress: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

export interface ServiceResponse {
  readonly status?: number
  readonly type: string
  readonly body: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

/** One kind of address that the service answers at: a path, or everything below one that ends in a slash. */
export interface Route {
  readonly path: string
  readonly methods: readonly ServiceRequest['method'][]
  handle(request: ServiceRequest): ServiceResponse | Promise<ServiceResponse>
}

/** The most specific route of a path. */
export function findRoute(routes: readonly Route[], path: string): Route | undefined {
  const fitting = routes.filter((route) =>
    route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path,
  )
  return fitting.sort((a, b) => b.path.length - a.path.length)[0]
}
