import {expect, it} from 'vitest'
import {normaliseHostname} from '../../src/lib/core/hostname.js'
import {
  addressOf,
  covers,
  hostOf,
  namedAddress,
  plainDomain,
  sameAddress,
} from '../../src/lib/core/public-address.js'

const FORMS = ['bücher.example.com', 'BÜCHER.example.com', 'bücher.example.com.', 'xn--bcher-kva.example.com']

it.each(FORMS)('%s is one host, in whatever function it is written', (form) => {
  const ascii = 'xn--bcher-kva.example.com'
  expect(normaliseHostname(form)).toBe(ascii)
  expect(addressOf(`https://me@${form}:443/a?b`)).toEqual({host: ascii, path: '/a', text: `${ascii}/a`})
  expect(addressOf(form)?.host).toBe(ascii)
  expect(namedAddress(`${form}/a`).host).toBe(ascii)
  expect(hostOf(`${form}/a`)).toBe(ascii)
  expect(plainDomain(`${form}/a`)).toBe(`${ascii}/a`)
  expect(sameAddress(form, ascii)).toBe(true)
  expect(covers(form, ascii, '/')).toBe(true)
})

it('a word and a pattern stay what they are', () => {
  expect(addressOf('bücher')).toBeUndefined()
  expect(plainDomain('*.Example.com/A')).toBe('*.example.com/A')
})
