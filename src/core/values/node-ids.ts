/** Between the number of something that one node keeps and the node, in ids. Allowed in Received fields and URLs. */
const OF_NODE = '~'

/** Returns an id that names the node. @param node undefined for a lab that is its only node */
export const idOnNode = (id: string, node: string | undefined): string =>
  node === undefined ? id : `${id}${OF_NODE}${node}`

/** Returns the node that an id names; undefined for a lab that is its only node. */
export function nodeOfId(id: string): string | undefined {
  const at = id.indexOf(OF_NODE)
  return at === -1 ? undefined : id.slice(at + OF_NODE.length)
}
