import fs from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {root} from '../support/manifest.js'

interface Screen {
  title: string
  lines: string[]
  columns: number
}
const {pictureOf, THEME_NAMES} = (await import(path.join(root, 'scripts', 'terminal-picture.mjs'))) as {
  pictureOf: (screen: Screen, theme: string) => string
  THEME_NAMES: string[]
}
const draw = (lines: string[]): string => pictureOf({title: 'a <screen>', lines, columns: 20}, 'light')

describe('a picture of a terminal', () => {
  it('has each line as a text, in place, and a style that goes on until it is ended', () => {
    const picture = draw(['a \u001B[1m<b>', 'c\u001B[0m \u001B[32md\u001B[39m', ''])
    expect(picture).toContain('<title>a &lt;screen&gt;</title>')
    expect(picture.match(/<tspan.*?<\/tspan>/g)).toEqual([
      '<tspan x="20.0">a </tspan>',
      '<tspan x="36.8" class="bold">&lt;b&gt;</tspan>',
      '<tspan x="20.0" class="bold">c</tspan>',
      '<tspan x="36.8" class="green">d</tspan>',
    ])
  })

  it.each([
    ['a colour that is not in the palette', '\u001B[33myellow'],
    ['a sequence that moves the cursor', '\u001B[2Ka'],
    ['a control character', 'a\u0007'],
  ])('is not drawn of %s', (_, line) => {
    expect(() => draw([line])).toThrow()
  })
})

describe('the pictures of screens', () => {
  const directory = path.join(root, 'docs', 'pictures')
  const files = fs.readdirSync(directory).filter((file) => file.endsWith('.svg'))
  const names = [...new Set(files.map((file) => file.replace(/-\w+\.svg$/, '')))]

  it('are ten or more, each in every theme, with the same words', () => {
    expect(names.length).toBeGreaterThanOrEqual(10)
    expect(files.sort()).toEqual(
      names.flatMap((name) => THEME_NAMES.map((theme) => `${name}-${theme}.svg`)).sort(),
    )
    for (const name of names) {
      const texts = THEME_NAMES.map((theme) => {
        const svg = fs.readFileSync(path.join(directory, `${name}-${theme}.svg`), 'utf8')
        expect(svg).toMatch(/role="img">\n<title>.{20,}<\/title>/)
        return svg.replace(/<style>[\s\S]*<\/style>|fill="#\w+"/g, '')
      })
      expect(new Set(texts).size, name).toBe(1)
    }
  })

  it.each(files)('are small, and show nothing of the machine on which they were drawn: %s', (file) => {
    const svg = fs.readFileSync(path.join(directory, file), 'utf8')
    expect(svg.length).toBeLessThan(40_000)
    expect(svg).not.toMatch(/\/tmp\/|cfast_|\/work\/|zt-screens/)
  })
})
