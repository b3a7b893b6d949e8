import '../../core/async/disposal.ts'
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { LabInput, ServerProtocol } from '../../core/config/schema.ts'
import { SealpostApi } from './api-client.ts'
import { loadTestcontainers } from './load-testcontainers.ts'
import { containerSettings, IMAGE_NAMES, IMAGE_SETTINGS, type Settings } from './settings.ts'
import { LogTail } from './start-failure.ts'

const { AbstractStartedContainer, GenericContainer, getContainerRuntimeClient, Wait } = loadTestcontainers()

const IMAGE = 'sealpost'
const BUILD_HINT = `Build the image in a checkout of Sealpost: docker build -f docker/Dockerfile -t ${IMAGE} .`
const TOKEN_NAME = 'testcontainers'
const MIN_TOKEN_LENGTH = 16
/** The lab's line when every port answers, as text and with `--json`. */
const READY = /^ready\s*$|"event":"ready"/
/** Allows the user of the image to listen on port 25 with podman, as Docker does by default. */
const LOW_PORTS = { 'net.ipv4.ip_unprivileged_port_start': '0' }

/** An account of the lab. */
export interface SealpostAccount {
  readonly user: string
  readonly password: string
  /** Default: the user at the domain of the lab. */
  readonly addresses?: string[]
}

/** A lab in a container: `const lab = await new SealpostContainer().start()`. */
export class SealpostContainer extends GenericContainer {
  #settings: Settings = IMAGE_SETTINGS
  #accounts: SealpostAccount[] | undefined
  #token = randomBytes(24).toString('base64url')
  readonly #isDefaultImage: boolean
  readonly #log = new LogTail()

  /** @param image default: `sealpost`, which `docker build -f docker/Dockerfile -t sealpost .` makes */
  constructor(image: string = IMAGE) {
    super(image)
    this.#isDefaultImage = image === IMAGE
  }

  /**
   * Replaces the configuration of the image. Virtual servers without an `address` listen on all addresses, certificates are
   * kept in memory, and an HTTP virtual server is added if no other has a clear-text port.
   * @param configuration a YAML text, or an object with the same keys
   * @throws ConfigError with every mistake
   */
  withConfiguration(configuration: string | LabInput): this {
    this.#settings = containerSettings(configuration)
    return this
  }

  /** Sets the accounts of the lab, in place of its configuration's. */
  withAccounts(...accounts: SealpostAccount[]): this {
    this.#accounts = accounts
    return this
  }

  /** Sets the administrator's token of the HTTP API. Default: a random one. @throws RangeError if it is too short */
  withToken(token: string): this {
    if (token.length < MIN_TOKEN_LENGTH)
      throw new RangeError(`withToken: the token has ${token.length} characters; write at least ${MIN_TOKEN_LENGTH}`)
    this.#token = token
    return this
  }

  /** Starts the container, and resolves once every port of the lab answers. @throws Error with the end of its log */
  override async start(): Promise<StartedSealpostContainer> {
    const settings = this.#settings
    const ports = settings.endpoints.flatMap(({ port, tlsPort }) => [port, tlsPort]).filter((port) => port !== 'off')
    this.withExposedPorts(...ports.filter((port) => !this.hasExposedPort(port)))
    if (!this.waitStrategy)
      this.withWaitStrategy(Wait.forAll([Wait.forLogMessage(READY), Wait.forHttp('/readyz', settings.apiPort)]))
    if (this.networkMode !== 'host') this.hostConfig.Sysctls = { ...LOW_PORTS, ...this.hostConfig.Sysctls }
    const { host } = (await getContainerRuntimeClient()).info.containerRuntime
    this.withEnvironment(this.#variables(host))
    const { logConsumer } = this
    this.logConsumer = (stream: Readable) => {
      this.#log.follow(stream)
      return logConsumer?.(stream)
    }
    try {
      return new StartedSealpostContainer(await super.start(), settings, this.#token)
    } catch (error) {
      throw this.#log.explain(error as Error, this.#hint(error as Error))
    } finally {
      if (logConsumer) this.logConsumer = logConsumer
      else delete this.logConsumer
    }
  }

  /** Returns the environment variables: the configuration, and the parts that are added to it. */
  #variables(host: string): Record<string, string> {
    const { config } = this.#settings
    const names = [...(config?.alternativeNames ?? IMAGE_NAMES), host, ...this.networkAliases]
    const tokens = [...(config?.tokens ?? []), { name: TOKEN_NAME, role: 'administrator', token: this.#token }]
    const directory = { ...(config ? config.directory : { unknown: 'capture' }), accounts: this.#accounts }
    return {
      ...(config ? { SEALPOST_CONFIG: JSON.stringify(config) } : {}),
      // The host of a remote engine is neither localhost nor the container's own name.
      SEALPOST_ALTERNATIVE_NAMES: JSON.stringify([...new Set(names)]),
      SEALPOST_ACCESS_TOKENS: JSON.stringify(tokens),
      ...(this.#accounts ? { SEALPOST_DIRECTORY: JSON.stringify(directory) } : {}),
    }
  }

  #hint({ message }: Error): string | undefined {
    return this.#isDefaultImage && /denied|not found|no such image|registry/i.test(message) ? BUILD_HINT : undefined
  }
}

/** A lab that runs in a container. Ports are the host's. */
export class StartedSealpostContainer extends AbstractStartedContainer {
  /** The administrator's token of the HTTP API. */
  readonly token: string
  /** A client of the HTTP API. */
  readonly api: SealpostApi
  readonly #settings: Settings

  constructor(started: ConstructorParameters<typeof AbstractStartedContainer>[0], settings: Settings, token: string) {
    super(started)
    this.#settings = settings
    this.token = token
    // A restart can change the port.
    this.api = new SealpostApi(() => this.url, token)
  }

  /** The host, for every port. */
  get host(): string {
    return this.getHost()
  }

  /** The URL of the HTTP virtual server. */
  get url(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return `http://${host}:${this.getMappedPort(this.#settings.apiPort)}`
  }

  /** The port of SMTP, with STARTTLS. @throws Error if the lab has none */
  get smtpPort(): number {
    return this.port('smtp')
  }

  /** The port of POP3, with STLS. @throws Error if the lab has none */
  get pop3Port(): number {
    return this.port('pop3')
  }

  /** The port of IMAP4, with STARTTLS. @throws Error if the lab has none */
  get imap4Port(): number {
    return this.port('imap4')
  }

  /** The port of NNTP, with STARTTLS. @throws Error if the lab has none */
  get nntpPort(): number {
    return this.port('nntp')
  }

  /** Returns the clear-text port of a protocol or virtual server, such as `Submission SMTP Virtual Server`. */
  port(server: ServerProtocol | (string & {})): number {
    return this.#mapped(server, 'port')
  }

  /** Returns the port with implicit TLS of a protocol or virtual server. */
  tlsPort(server: ServerProtocol | (string & {})): number {
    return this.#mapped(server, 'tlsPort')
  }

  /** Returns the root certificates in PEM: `tls: { ca: await lab.ca() }`. */
  ca(): Promise<string> {
    return this.api.roots()
  }

  /** Returns the port of the first virtual server with this name or protocol that has one. @throws Error that lists what exists */
  #mapped(server: string, kind: 'port' | 'tlsPort'): number {
    const { endpoints } = this.#settings
    const found = endpoints.filter(({ name, protocol }) => name === server || protocol === server)
    const port = found.map((endpoint) => endpoint[kind]).find((one) => one !== 'off')
    if (port !== undefined) return this.getMappedPort(port)
    const [{ name } = { name: undefined }] = found
    const known = endpoints.filter((endpoint) => endpoint[kind] !== 'off').map((one) => `${one.protocol} (${one.name})`)
    throw new Error(
      `${kind}('${server}'): ${name ? `${name} has none` : 'there is no such virtual server'}; known here: ${known.join(', ')}`,
    )
  }
}

export type { ApiTenant } from './api-client.ts'
export { SealpostApiError } from './api-client.ts'
export type * from './api-types.ts'
export type { LabInput }
export { SealpostApi }
