import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {addressInBlock} from '../../src/lib/policy/address.js'

describe('an address', () => {
  it.each([
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.1/32', true],
    ['10.0.0.2', '10.0.0.1/32', false],
    ['8.8.8.8', '0.0.0.0/0', true],
    ['2001:db8::1', '2001:db8::/32', true],
    ['2001:DB8:0:0::1', '2001:db8::/32', true],
    ['2001:db9::1', '2001:db8::/32', false],
    ['2001:db8::1', '::/0', true],
    ['::ffff:10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '2001:db8::/32', false],
    ['10.1.2.3', '10.0.0.0/33', false],
    ['10.1.2.3', '10.0.0.0/-1', false],
    ['10.1.2.3', '10.0.0.0/', false],
    ['10.1.2.3', '10.0.0.0/8/8', false],
    ['10.1.2.3', 'here', false],
    ['', '10.0.0.0/8', false],
    ['fe80::1%eth0', 'fe80::/10', false],
  ])('%s in %s: %s', (address, block, there) => {
    expect(addressInBlock(address, block)).toBe(there)
  })

  it('is in the block of any length that is cut from it', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({min: 0, max: 32}), (address, length) => {
        expect(addressInBlock(address, `${address}/${length}`)).toBe(true)
      }),
    )
  })

  it('never makes an error of nonsense', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (address, block) => {
        expect(addressInBlock(address, block)).toBe(false)
      }),
    )
  })
})
