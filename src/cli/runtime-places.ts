import { tmpdir } from 'node:os'
import type { RuntimePlaces } from '../lab/control/socket-path.ts'

/** Where control sockets may be, as the environment says. */
export function runtimePlaces(): RuntimePlaces {
  const xdgRuntimeDir = process.env.XDG_RUNTIME_DIR
  return { ...(xdgRuntimeDir ? { xdgRuntimeDir } : {}), tmpdir: tmpdir(), uid: process.getuid?.() ?? 0 }
}
