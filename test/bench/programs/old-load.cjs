// The load of an old client, for Node.js 0.10 (ES5 only). Arguments: port, PEM file of the root, OpenSSL's name of the
// suite, `handshakes` or `octets`, milliseconds. Prints the number of handshakes made or octets read.
var fs = require('fs')
var tls = require('tls')

var port = Number(process.argv[2])
var root = fs.readFileSync(process.argv[3])
var counted = process.argv[5]
var until = Date.now() + Number(process.argv[6])
var AT_ONCE = 4
var units = 0
var open = 0

function connect(onSecure) {
  var options = { host: 'localhost', port: port, ca: [root], rejectUnauthorized: true }
  options.secureProtocol = 'TLSv1_method'
  options.ciphers = process.argv[4]
  open++
  var socket = tls.connect(options, function () {
    onSecure(socket)
  })
  socket.on('error', function (error) {
    throw error
  })
  socket.on('close', function () {
    open--
    if (open === 0) console.log(units)
  })
}

function handshakes() {
  connect(function (socket) {
    units++
    socket.destroy()
    if (Date.now() < until) handshakes()
  })
}

function octets() {
  connect(function (socket) {
    var asked = 'USER alice\r\nPASS secret\r\n'
    var tail = ''
    socket.write(asked)
    socket.write('RETR 1\r\n')
    socket.on('data', function (chunk) {
      units += chunk.length
      tail = (tail + chunk.toString('binary', Math.max(0, chunk.length - 5))).slice(-5)
      if (tail !== '\r\n.\r\n') return
      if (Date.now() < until) socket.write('RETR 1\r\n')
      else socket.destroy()
    })
  })
}

if (counted === 'octets') octets()
else for (var i = 0; i < AT_ONCE; i++) handshakes()
