import {describe, expect, it} from 'vitest'
import {onScreen} from '../support/manual/screen.js'

const ESC = '\u001B'

describe('the screen', () => {
  it.each([
    ['lines', 'a\r\nb\r\n', ['a', 'b', '']],
    ['no colours', `${ESC}[1;31mred${ESC}[0m\r\n`, ['red', '']],
    ['what is written over', 'loading\rdone   \r\n', ['done', '']],
    ['an erased line', `⠋ waiting${ESC}[2K\r${ESC}[?25hdone\r\n`, ['done', '']],
    ['a question that is drawn again', `? Add it? (y/N)\r\n${ESC}[1A${ESC}[2K${ESC}[G✔ Add it? Yes\r\n`, ['✔ Add it? Yes', '']], // prettier-ignore
    ['what was erased below', `a\r\nb\r\nc${ESC}[2A${ESC}[1G${ESC}[J`, ['']],
    ['the end of a line that was erased', `abc${ESC}[2D${ESC}[K`, ['a']],
    ['a link', `${ESC}]8;;https://x${ESC}\\text${ESC}]8;;${ESC}\\`, ['text']],
    ['a tab stop by the cursor', `a${ESC}[5Gb`, ['a   b']],
  ])('shows %s', (_, text, lines) => {
    expect(onScreen(text)).toEqual(lines)
  })
})
