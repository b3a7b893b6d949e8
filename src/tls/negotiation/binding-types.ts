/** The types of channel bindings. RFC 9266, RFC 5929. */
type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point' | 'tls-unique'

/**
 * The channel bindings of a TLS connection, for the mechanisms that bind a log-on to it. Each value is
 * computed when a client asks for it; undefined if the connection turns out not to have one.
 */
export type ChannelBindings = Pick<ReadonlyMap<string, () => Buffer | undefined>, 'get' | 'size'>

/** The bindings of a connection in clear text, and of one whose TLS ends at a proxy. */
export const noChannelBindings: ChannelBindings = new Map()

/** Makes the set of a connection. Leaves out the types that it does not have. */
export const channelBindings = (
  computed: Partial<Record<ChannelBindingType, (() => Buffer | undefined) | false>>,
): ChannelBindings =>
  new Map(Object.entries(computed).flatMap(([type, compute]) => (compute ? [[type, compute] as const] : [])))
