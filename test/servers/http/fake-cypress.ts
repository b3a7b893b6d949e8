/** The part of Cypress that the commands use, on `fetch`. */
export function fakeCypress(baseUrl: string): void {
  const request = async ({
    method,
    url,
    qs = {},
    body,
  }: {
    method: string
    url: string
    qs?: object
    body?: object
  }) => {
    const query = new URLSearchParams(
      Object.entries(qs).map(([key, value]): [string, string] => [key, `${value}`]),
    ).toString()
    const response = await fetch(query === '' ? url : `${url}?${query}`, {
      method,
      ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
    })
    if (!response.ok) throw new Error(`cy.request() failed on ${url}: ${response.status}`)
    const text = await response.text()
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    return { status: response.status, body: isJson ? JSON.parse(text) : text }
  }
  Object.assign(globalThis, {
    Cypress: { expose: () => baseUrl, config: () => 20_000 },
    cy: { env: async () => ({}), wrap: async (value: unknown) => value, wait: async () => {}, request },
  })
}
