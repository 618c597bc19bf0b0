import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {addressInBlock, fullBlock} from '../../src/lib/policy/address.js'

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
    ['192.0.2.1', '::/0', false],
    ['192.0.2.1', '::ffff:192.0.2.0/120', true],
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

describe('a block in full', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7/32'],
    ['203.0.113.7/32', '203.0.113.7/32'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.0.0/008', '10.0.0.0/8'],
    ['10.0.0.0/0008', undefined],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/x8', undefined],
    ['10.0.0.0/8x', undefined],
    ['10.0.0.0/8/8', undefined],
    ['2001:db8::1', '2001:db8::1/128'],
    ['2001:db8::/32', '2001:db8::/32'],
    ['2001:db8::/128', '2001:db8::/128'],
    ['2001:db8::/129', undefined],
    ['fe80::1%eth0/64', undefined],
    ['', undefined],
    ['example.com', undefined],
  ])('%j is %j', (text, block) => {
    expect(fullBlock(text)).toBe(block)
  })
})
