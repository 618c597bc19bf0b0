import {afterEach, expect, it, vi} from 'vitest'
import {bare, bounded, shown, sign, uncoloured} from '../../src/lib/cli/styled.js'
import {frames, SIGNS} from '../../src/lib/cli/signs.js'

afterEach(() => vi.unstubAllEnvs())
const locale = (env: Record<string, string>): void => {
  for (const name of ['LC_ALL', 'LC_CTYPE', 'LANG']) vi.stubEnv(name, env[name])
}

it.each<[env: Record<string, string>, ascii: boolean]>([
  [{}, false],
  [{LANG: 'C'}, true],
  [{LANG: 'POSIX'}, true],
  [{LANG: 'C.UTF-8'}, false],
  [{LANG: 'de_DE.utf8'}, false],
  [{LC_CTYPE: 'UTF-8', LANG: 'C'}, false],
  [{LC_ALL: '', LANG: 'de_DE.ISO-8859-1'}, true],
  [{LC_ALL: 'C', LANG: 'de_DE.UTF-8'}, true],
  [{LANG: 'ja_JP.eucJP'}, true],
])('in the locale %j, the signs are ASCII: %s', (env, ascii) => {
  locale(env)
  const line = `${Object.values(sign).join(' ')} ${frames().join('')}`
  expect(shown(line)).toMatch(ascii ? /^[ -~]+$/ : /^[^ -~](.*[^ -~])?$/)
  expect(bare(line)).toBe(shown(line))
})

it('a name keeps its characters in every locale, those that are signs of zt included', () => {
  locale({LC_ALL: 'C'})
  expect(shown(`${sign.done} ✓ Müller…`)).toBe('v ✓ Müller…')
  expect(shown(bounded('Zürich'.repeat(4), 13))).toBe('Züric...ürich')
})

it('JSON has the signs of UTF-8 in every locale', () => {
  locale({LC_ALL: 'C'})
  expect(uncoloured(JSON.stringify({text: `${sign.done} x`}))).toBe('{"text":"✓ x"}')
})

it('no text from outside can be taken for a sign', () => {
  expect(shown('\u001B{done} {done}')).toBe(String.raw`\x1b{done} {done}`)
  for (const [utf8, ascii] of Object.values(SIGNS)) {
    expect(utf8).toMatch(/[^ -~]/)
    expect(ascii).toMatch(/^[ -~]+$/)
  }
})
