// A package testcontainers whose engine is `sealpost start` on this machine, with the environment of the container. It
// serves the image's configuration on loopback ports, shifted by an offset. Prints what it was asked for to standard error.
const { spawn } = require('node:child_process')
const { createInterface } = require('node:readline')

const { FAKE_MAIN: main, FAKE_CONFIG: config, FAKE_OFFSET: offset, FAKE_HOST: host = '127.0.0.1' } = process.env
const shifted = (port) => port + Number(offset)

class StartedFake {
  constructor(child, exposed) {
    this.child = child
    this.exposed = exposed
  }
  getHost() {
    return host
  }
  getMappedPort(port) {
    if (!this.exposed.includes(port)) throw new Error(`port ${port} is not exposed`)
    return shifted(port)
  }
  async stop() {
    const closed = new Promise((resolve) => this.child.once('close', resolve))
    this.child.kill('SIGTERM')
    await closed
    return {}
  }
}

exports.AbstractStartedContainer = class {
  constructor(started) {
    this.started = started
  }
  getHost() {
    return this.started.getHost()
  }
  getMappedPort(port) {
    return this.started.getMappedPort(port)
  }
  stop() {
    return this.started.stop()
  }
  [Symbol.asyncDispose ?? Symbol.for('dispose')]() {
    return this.stop()
  }
}

exports.GenericContainer = class {
  environment = {}
  hostConfig = {}
  networkAliases = []
  exposedPorts = []
  constructor(image) {
    this.image = image
  }
  hasExposedPort(port) {
    return this.exposedPorts.includes(port)
  }
  withExposedPorts(...ports) {
    this.exposedPorts.push(...ports)
    return this
  }
  withEnvironment(environment) {
    Object.assign(this.environment, environment)
    return this
  }
  withWaitStrategy(strategy) {
    this.waitStrategy = strategy
    return this
  }
  withNetworkAliases(...aliases) {
    this.networkAliases.push(...aliases)
    return this
  }
  async start() {
    const { image, environment, exposedPorts, waitStrategy, hostConfig } = this
    const asked = { image, environment, exposedPorts, waitsFor: waitStrategy.waitsFor, hostConfig }
    process.stderr.write(`ASKED ${JSON.stringify(asked)}\n`)
    const shift = { SEALPOST_PORT_OFFSET: offset, SEALPOST_ADDRESS: '127.0.0.1' }
    const volumes = { SEALPOST_CERTIFICATES: 'memory', SEALPOST_STORE: 'memory' }
    const child = spawn(
      process.execPath,
      [main, 'start', ...(environment.SEALPOST_CONFIG ? [] : ['--config', config])],
      {
        env: {
          PATH: process.env.PATH,
          TMPDIR: process.env.TMPDIR,
          XDG_RUNTIME_DIR: process.env.TMPDIR,
          ...volumes,
          ...environment,
          ...shift,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    this.logConsumer?.(child.stderr)
    await waitStrategy.wait(child)
    return new StartedFake(child, exposedPorts)
  }
}

const strategy = (waitsFor, wait) => ({ waitsFor, wait })

exports.Wait = {
  forAll: (all) =>
    strategy(
      all.map((one) => one.waitsFor),
      (child) => Promise.all(all.map((one) => one.wait(child))),
    ),
  forLogMessage: (message) =>
    strategy(
      `log ${message}`,
      (child) =>
        new Promise((resolve, reject) => {
          child.once('close', () => reject(new Error('the log ended')))
          createInterface({ input: child.stdout }).on('line', (line) => message.test(line) && resolve())
        }),
    ),
  forHttp: (path, port) =>
    strategy(`http ${path} ${port}`, async (child) => {
      while (child.exitCode === null) {
        const answer = await fetch(`http://127.0.0.1:${shifted(port)}${path}`).catch(() => undefined)
        if (answer?.ok) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }),
}

exports.getContainerRuntimeClient = async () => ({ info: { containerRuntime: { host } } })
