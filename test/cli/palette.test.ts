import {expect, it} from 'vitest'
import {PALETTE} from '../../src/lib/cli/palette.js'

/** The eight colours of ANSI, as common terminals have them by default: background, then red, green, magenta. */
const THEMES: Record<string, [background: string, red: string, green: string, magenta: string]> = {
  'xterm, black on white': ['ffffff', 'cd0000', '00cd00', 'cd00cd'],
  'xterm, white on black': ['000000', 'cd0000', '00cd00', 'cd00cd'],
  'VS Code, light': ['ffffff', 'cd3131', '107c10', 'bc05bc'],
  'VS Code, dark': ['1e1e1e', 'cd3131', '0dbc79', 'bc3fbc'],
  'macOS Terminal, light': ['ffffff', 'c23621', '25bc24', 'd338d3'],
  'macOS Terminal, dark': ['000000', 'c23621', '25bc24', 'd338d3'],
  'Windows Terminal': ['0c0c0c', 'c50f1f', '13a10e', '881798'],
  'Tango, light': ['ffffff', 'cc0000', '4e9a06', '75507b'],
  'GNOME Terminal, dark': ['1e1e1e', 'c01c28', '26a269', 'a347ba'],
  'Solarized, light': ['fdf6e3', 'dc322f', '859900', 'd33682'],
  'Solarized, dark': ['002b36', 'dc322f', '859900', 'd33682'],
  'One Half, light': ['fafafa', 'e45649', '50a14f', 'a626a4'],
  'One Half, dark': ['282c34', 'e06c75', '98c379', 'c678dd'],
  'GitHub, light': ['ffffff', 'cf222e', '116329', '8250df'],
  'GitHub, dark': ['0d1117', 'ff7b72', '3fb950', 'bc8cff'],
}
const COLOURS = ['red', 'green', 'magenta'] as const
/** As they are in every theme: the colour of the text itself, heavier or fainter. */
const NO_COLOUR = ['bold', 'dim']

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

it('has only attributes whose contrast is known', () => {
  for (const attribute of Object.values(PALETTE)) expect([...COLOURS, ...NO_COLOUR]).toContain(attribute)
})

it.each(Object.entries(THEMES))('is seen on the background of %s', (_, [background, ...colours]) => {
  expect(contrast('000000', 'ffffff')).toBeCloseTo(21)
  // Yellow has 1.7 in the first, cyan 2.0, white 1.3, and blue 1.8 in GNOME's.
  for (const colour of colours) expect(contrast(background, colour)).toBeGreaterThan(2.15)
})

it('has the contrast that WCAG asks of a sign, 3, in four themes of five', () => {
  const all = Object.values(THEMES).flatMap(([background, ...colours]) =>
    colours.map((colour) => contrast(background, colour)),
  )
  expect(all.filter((one) => one >= 3).length / all.length).toBeGreaterThan(0.8)
})
