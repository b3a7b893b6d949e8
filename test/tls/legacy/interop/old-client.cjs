// Does the same as OldClient.java, for Node.js 0.10 with OpenSSL 1.0.1 (ES5 only). The second column of a job is the name
// of an OpenSSL method, the third OpenSSL's name of the suite. Argument: PEM of the root to trust.
var fs = require('fs')
var net = require('net')
var tls = require('tls')

var TIMEOUT_MS = 20000
var root = fs.readFileSync(process.argv[2])
var jobs

function next() {
  var job = jobs.shift()
  if (job === undefined) return
  run(job.split('\t'), function (result) {
    console.log(result.replace(/\n/g, ' '))
    next()
  })
}

function run(job, done) {
  var steps = job[3].split(' ')
  var got = ''
  var agreed = 'clear text'
  var raw = net.connect(Number(job[0]), '127.0.0.1')
  var socket = raw
  var timer = setTimeout(function () {
    finish('failed timeout, after ' + got)
  }, TIMEOUT_MS)

  function finish(result) {
    if (!done) return
    clearTimeout(timer)
    raw.destroy()
    var callback = done
    done = undefined
    callback(result)
  }

  function listen(stream) {
    stream.on('data', function (chunk) {
      got += chunk.toString('binary')
      proceed()
    })
    stream.on('error', function (error) {
      finish('failed ' + error.message)
    })
    stream.on('close', function () {
      finish('failed closed, after ' + got)
    })
  }

  function secure() {
    raw.removeAllListeners('data')
    raw.removeAllListeners('close')
    var options = { socket: raw, host: 'localhost', servername: 'localhost', ca: [root], rejectUnauthorized: !/ADH/.test(job[2]) }
    options.secureProtocol = job[1]
    options.ciphers = job[2]
    socket = tls.connect(options, function () {
      agreed = job[1] + ' ' + socket.getCipher().name
      steps.shift()
      proceed()
    })
    listen(socket)
  }

  function proceed() {
    while (steps.length > 0) {
      var text = decodeURIComponent(steps[0].slice(1))
      if (steps[0][0] === 'T') return socket === raw ? secure() : undefined
      if (steps[0][0] === 'E') {
        var at = got.indexOf(text)
        var end = at === -1 ? -1 : got.indexOf('\n', at + text.length - 1)
        if (end === -1) return undefined
        got = got.slice(end + 1)
      } else socket.write(text)
      steps.shift()
    }
    finish('ok ' + agreed)
  }

  listen(raw)
  raw.on('connect', proceed)
}

var input = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', function (text) {
  input += text
})
process.stdin.on('end', function () {
  jobs = input.split('\n').filter(Boolean)
  next()
})
