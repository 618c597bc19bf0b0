import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isVisible, visible, visibleJson, withoutMiddle} from '../../src/lib/core/text.js'

/** What a terminal obeys or a reader does not see; said otherwise than in the code. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const anything = fc.oneof(
  fc.string({unit: 'binary'}),
  fc.string({unit: 'grapheme'}),
  fc
    .array(
      fc.oneof(fc.integer({min: 0, max: 0xffff}), fc.integer({min: 0x300, max: 0x36f}), fc.constant(0xfe0f)),
    )
    .map((units) => String.fromCharCode(...units)),
)

describe('text made visible', () => {
  it.each([
    ['a name', 'GitLab (prod)', 'GitLab (prod)'],
    ['other scripts', 'Zürich Łódź Ελλάδα Москва 日本語 한국어 हिन्दी ไทย עִבְרִית', 'Zürich Łódź Ελλάδα Москва 日本語 한국어 हिन्दी ไทย עִבְרִית'],
    ['emoji', '🚀 👍🏽 🇩🇪', '🚀 👍🏽 🇩🇪'],
    ['accents written apart', 'e\u0301', 'e\u0301'],
    ['a path of Windows', 'C:\\new\\x1b', 'C:\\new\\x1b'],
    ['a forged line', 'prod\u001B[2K\r', String.raw`prod\x1b[2K\r`],
    ['line breaks and tabs', 'a\r\n\tb', String.raw`a\r\n\tb`],
    ['DEL and C1', '\u007F\u0085\u009B', String.raw`\x7f\x85\x9b`],
    ['another direction', 'a\u202Eb\u2066\u200F', String.raw`a\u{202e}b\u{2066}\u{200f}`],
    ['nothing to be seen', 'a\u200B\u200D\uFEFF\u00AD\u034F\u3164\u180E', String.raw`a\u{200b}\u{200d}\u{feff}\xad\u{34f}\u{3164}\u{180e}`],
    ['variation selectors and tags', 'a\uFE0F\u{E0041}', String.raw`a\u{fe0f}\u{e0041}`],
    ['lines that JavaScript knows', '\u2028\u2029', String.raw`\u{2028}\u{2029}`],
    ['other blanks', 'a\u00A0b\u2003c\u2800d\u3000e', String.raw`a\xa0b\u{2003}c\u{2800}d` + '\u3000e'],
    ['half a pair, private, no character', '\uD800\uE000\uFFFF', String.raw`\u{d800}\u{e000}\u{ffff}`],
    ['a heap of accents', `a${'\u0301'.repeat(6)}`, `a${'\u0301'.repeat(4)}\\u{301}\\u{301}`],
    ['an accent on the character before', '"\u0338', String.raw`"\u{338}`],
  ])('%s', (_what, text, shown) => {
    expect(visible(text)).toBe(shown)
    expect(isVisible(text)).toBe(shown === text)
  }) // prettier-ignore

  it('holds nothing unseen, whatever it was made of, and stays as it is when it is made visible again', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const shown = visible(text)
        expect(UNSEEN.test(shown)).toBe(false)
        expect(visible(shown)).toBe(shown)
      }),
      {numRuns: 3000},
    )
  })

  it('in JSON means what it meant', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anything, (value, text) => {
        const given = {value, text, [text]: [text]}
        const json = visibleJson(JSON.stringify(given, null, 2))
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(given)))
        expect(UNSEEN.test(json.replaceAll('\n', ''))).toBe(false)
      }),
      {numRuns: 1000},
    )
  })

  it.each(['é', '\u0301', '\u001B', '\u200B', 'a\u0301', '日'])('may be a million of %j', (unit) => {
    expect(visible(unit.repeat(1_000_000)).length).toBeGreaterThanOrEqual(1_000_000)
  })
})

describe('a text without its middle', () => {
  it('keeps both ends, and tears no character', () => {
    expect(withoutMiddle('production-eu-1', 9)).toBe('pro...u-1')
    expect(withoutMiddle('production-eu-1', 9, '~')).toBe('pro~u-1')
    expect(withoutMiddle('short', 9)).toBe('short')
    fc.assert(
      fc.property(fc.string({unit: 'grapheme'}), fc.integer({min: 3, max: 40}), (text, most) => {
        const cut = withoutMiddle(text, most)
        expect([...cut].length).toBeLessThanOrEqual(Math.max(most, [...text].length))
        if (!/\p{Cs}/u.test(text)) expect(cut).not.toMatch(/\p{Cs}/u)
      }),
    )
  })
})
