/**
 * A command that takes away root's right to read and write every file, so that modes and owners count; empty for other users.
 * Unlike another user, root can then still read the checkout, wherever it is.
 */
export const withoutRootRights: readonly string[] =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []
