/** RFC 8446 appendix B.4. */
export const suites13: readonly number[] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]

/** A class of suites, offered together. */
interface SuiteClass {
  readonly name: string
  readonly suites: readonly number[]
  /** Below 128 bits. */
  readonly broken: boolean
}

/** The classes of weak suites. RFC 9325 section 4.1 forbids them. */
export const suiteClasses: readonly SuiteClass[] = [
  {
    name: 'NULL (0 bits)',
    suites: [0x003b, 0x0002, 0x0001, 0xc010, 0xc006, 0xc001, 0xc00b, 0xc015],
    broken: true,
  },
  {
    name: 'anonymous (no certificate)',
    suites: [0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034, 0x003a, 0xc018, 0xc019, 0x0018, 0x001b, 0xc016, 0xc017],
    // Clients that verify certificates never offer them; mail servers use them for opportunistic TLS (RFC 7435).
    broken: false,
  },
  {
    name: 'export (40 and 56 bits)',
    suites: [0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0062, 0x0063, 0x0064, 0x0065],
    broken: true,
  },
  { name: 'DES (56 bits)', suites: [0x0009, 0x000c, 0x000f, 0x0012, 0x0015, 0x001a], broken: true },
  { name: 'RC4 (128 bits)', suites: [0x0005, 0x0004, 0xc011, 0xc007, 0x0066], broken: false },
  { name: '3DES (112 bits)', suites: [0x000a, 0xc012, 0xc008, 0x0016, 0x0013, 0x000d, 0x0010], broken: false },
]

/** Suites up to TLS 1.2 with good keys, the strongest first. IANA code points. */
const strongSuites: readonly number[] = [
  0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014,
  0xc0ac, 0xc0ad, 0xccaa, 0x009e, 0x009f, 0x0067, 0x006b, 0x0033, 0x0039, 0x009c, 0x009d, 0x003c, 0x003d, 0x002f,
  0x0035, 0x0045, 0x0088, 0x0041, 0x0084, 0x0096, 0x0007,
]

const suitesOf = (classes: readonly SuiteClass[]): number[] => classes.flatMap(({ suites }) => suites)
const weakest = [...suiteClasses].reverse()

/** Suites up to TLS 1.2 that servers of any age support and in which the server sends its certificate. */
export const certificateSuites: readonly number[] = [
  ...strongSuites,
  ...suitesOf(weakest.filter(({ name }) => !name.startsWith('anonymous'))),
]

/** RFC 9325 section 4.2. */
export const recommendedSuites: readonly number[] = [0xc02b, 0xc02f, 0xc02c, 0xc030]

/** Suites that need a certificate with an elliptic-curve key, and those that need another one. */
export const ecdsaSuites: readonly number[] = [
  0xc02b, 0xc02c, 0xcca9, 0xc0ac, 0xc0ad, 0xc023, 0xc024, 0xc009, 0xc00a, 0xc008, 0xc007, 0xc006,
]
export const otherKeySuites: readonly number[] = certificateSuites.filter((suite) => !ecdsaSuites.includes(suite))

/** Suites up to TLS 1.2 that servers of any age support: the strong ones first, then every weak class. */
export const allSuites: readonly number[] = [...strongSuites, ...suitesOf(weakest)]

/** Suites in which the client encrypts the premaster secret with the server's RSA key. */
export const rsaSuites: readonly number[] = [
  0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084, 0x0096, 0x0007, 0x000a, 0x0005, 0x0004, 0x0009,
  0x003b, 0x0002, 0x0001,
]

/** Suites with a certificate and a Diffie-Hellman key exchange in a prime field; those of export size are apart. */
export const dheSuites: readonly number[] = [
  0x009e, 0x009f, 0x0067, 0x006b, 0x0033, 0x0039, 0xccaa, 0x0045, 0x0088, 0x009a, 0x0016, 0x0015, 0x00a2, 0x00a3,
  0x0040, 0x006a, 0x0032, 0x0038, 0x0013, 0x0012,
]
/** The same without a certificate. OpenSSL uses shorter groups for them. */
export const dhAnonymousSuites: readonly number[] = [
  0x00a6, 0x00a7, 0x006c, 0x006d, 0x0034, 0x003a, 0x0046, 0x0089, 0x0018, 0x001b, 0x001a,
]
export const dheExportSuites: readonly number[] = [0x0014, 0x0011, 0x0017, 0x0019, 0x0063, 0x0065]

/** Export suites in which the server may encrypt with a temporary RSA key. */
export const rsaExportSuites: readonly number[] = [0x0003, 0x0006, 0x0008, 0x0062, 0x0064]

/** Strong suites with CBC and a MAC. */
export const cbcSuites: readonly number[] = [
  0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, 0x0067, 0x006b, 0x0033, 0x0039, 0x003c, 0x003d,
  0x002f, 0x0035, 0x0045, 0x0088, 0x0041, 0x0084, 0x0096, 0x0007,
]
