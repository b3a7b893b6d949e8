import { expect, test } from 'vitest'
import { ja4 } from '../../../src/tls/negotiation/ja4.ts'

const SHA_OF_000A = 'a8f3e973773c'
const list = (text: string): number[] => text.split(',').map((id) => Number.parseInt(id, 16))
const chromeSuites = '1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'
const chromeAlgorithms = '0403,0804,0401,0503,0805,0501,0806,0601'

// Published fingerprints: FoxIO's specification and README (Chrome), and the raw forms that other implementations show.
test.each([
  [
    't13d1516h2_8daaf6152771_e5627efa2ab1',
    chromeSuites,
    '001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015',
    chromeAlgorithms,
  ],
  [
    't13d1516h2_8daaf6152771_d8a2da3f94cd',
    chromeSuites,
    '0000,0010,0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,fe0d,ff01',
    chromeAlgorithms,
  ],
  [
    't13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3',
    '1302,1303,1301,c02c,c030,c02b,c02f,cca9,cca8',
    '0000,000b,000a,0023,0010,0005,0017,000d,002b,002d,0033',
    '0503,0403,0807,0806,0805,0804,0601,0501,0401',
    [0x00ff],
  ],
])('%s', (expected, suites, extensions, algorithms, signallingSuites: number[] = []) => {
  const facts = { versions: ['TLSv1.2', 'TLSv1.3'], suites: list(suites), signallingSuites, alpn: ['h2', 'http/1.1'] }
  expect(ja4({ ...facts, extensions: list(extensions), signatureAlgorithms: list(algorithms) })).toBe(expected)
})

test.each([
  [['TLSv1'], [], 't10i010000_'],
  [['SSLv3'], ['h2'], 'ts3i0100h2_'],
  [['SSLv2'], ['x'], 'ts2i0100xx_'],
  [['0x7f1c'], ['\xab\xcd'], 't00i0100ad_'],
  [['TLSv1.1'], ['h\xff'], 't11i01006f_'],
])('versions %j and ALPN %j', (versions, alpn, expected) => {
  // sha256("000a"). Without extensions, the last part is zeros.
  expect(ja4({ versions, alpn, suites: [0x000a] })).toBe(`${expected}${SHA_OF_000A}_000000000000`)
  expect(ja4({ versions, alpn, suites: [] })).toMatch(/_0{12}_0{12}$/)
})
