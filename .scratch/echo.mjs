import { createServer } from 'node:net'
const mode = process.argv[2]
const reply = Buffer.from('211 10000 1 10000 bench.read\r\n')
const s = createServer({noDelay:true}, (c) => {
  if (mode === 'str') c.on('data', (d) => c.write('211 10000 1 10000 bench.read\r\n', 'latin1'))
  else if (mode === 'utf8') c.on('data', (d) => c.write('211 10000 1 10000 bench.read\r\n', 'utf8'))
  else if (mode === 'prom') (async () => { let w; let n = 0; c.on('data', () => { n++; w?.() }); for (;;) { if (!n) await new Promise((r) => { w = r }); n--; c.write(reply) } })()
  else if (mode === 'handle') { c.on('data', () => {}); const h = c._handle; const { WriteWrap } = process.binding('stream_wrap'); c.on('data', () => { const r = new WriteWrap(); r.oncomplete = () => {}; h.writeLatin1String(r, '211 10000 1 10000 bench.read\r\n') }) }
  else c.on('data', (d) => c.write(reply))
  c.on('error', () => {})
})
s.listen(0, '127.0.0.1', () => process.send({ port: s.address().port }))
