// Loaded by `node --import`. Kills the process right before its Nth change of the file system (SEALPOST_KILL_AT).
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const killAt = Number(process.env.SEALPOST_KILL_AT)
let changes = 0

function beforeChange() {
  changes++
  if (changes === killAt) process.kill(process.pid, 'SIGKILL')
}

for (const name of ['mkdir', 'open', 'rename', 'link', 'rm', 'writeFile']) {
  const original = fs[name]
  fs[name] = async (...args) => {
    beforeChange()
    const result = await original(...args)
    if (name === 'open') {
      for (const method of ['writeFile', 'sync']) {
        const own = result[method].bind(result)
        result[method] = (...rest) => {
          beforeChange()
          return own(...rest)
        }
      }
    }
    return result
  }
}
syncBuiltinESMExports()
