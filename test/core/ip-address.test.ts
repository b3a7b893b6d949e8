import { describe, expect, it } from 'vitest'
import { addressOctets, addressText, shortenAddresses } from '../../src/core/network/ip-address.ts'

describe('IP addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:0:0:0:5', '2001:db8::5'],
    ['fe80::1%lo', 'fe80::1'],
    ['::', '::'],
  ])('%s is written as %s', (address, text) => {
    expect(addressText(addressOctets(address))).toBe(text)
  })

  it('are shortened within a text, and nothing else is changed', () => {
    const names = 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:0:0:5'
    expect(shortenAddresses(names)).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:::1, IP Address:2001:db8::5')
    expect(shortenAddresses('AB:CD:EF:01:23:45')).toBe('AB:CD:EF:01:23:45')
  })

  it('does not touch a thumbprint with colons', () => {
    const thumbprint = 'AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01'
    expect(shortenAddresses(thumbprint)).toBe(thumbprint)
  })
})
