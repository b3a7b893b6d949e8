// Runs in a network and mount namespace whose DNS server is 127.0.0.1: starts a lab and asks postfix-mta-sts-resolver for
// the policy of lab.test.
//   node query-policy.mjs MAIN CONFIG
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const [main, config] = process.argv.slice(2)

async function startLab() {
  const args = [main, 'start', '--json', '--config', config]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout }))
    if (JSON.parse(line).event === 'ready') return child
  throw new Error('the lab did not start')
}

execFileSync('ip', ['link', 'set', 'lo', 'up'])
const lab = await startLab()
try {
  execFileSync(process.execPath, [main, 'ca', 'export', '--config', config, '--out', 'root.pem'])
  const env = { ...process.env, SSL_CERT_FILE: 'root.pem' }
  console.log(execFileSync('mta-sts-query', ['lab.test'], { env, encoding: 'utf8', timeout: 60_000 }))
} finally {
  lab.kill('SIGTERM')
  await (lab.exitCode ?? once(lab, 'exit'))
}
