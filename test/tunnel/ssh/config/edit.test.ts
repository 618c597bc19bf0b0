import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {hostBlock} from '../../../../src/lib/tunnel/ssh/config/block.js'
import {unifiedDiff} from '../../../../src/lib/tunnel/ssh/config/diff.js'
import {
  findBlocks,
  otherSettings,
  withBlock,
  withoutBlock,
} from '../../../../src/lib/tunnel/ssh/config/edit.js'
import {configLines, configTexts, HOSTS} from './config-texts.js'

const blockOf = (host: string, variant = 0): string =>
  hostBlock({
    host,
    user: variant % 2 === 0 ? undefined : `user${variant}`,
    proxyCommand: `zt ${variant} ${host}`,
  })
const put = (text: string, host: string, variant = 0): string =>
  withBlock(text, findBlocks(text, 'f'), host, blockOf(host, variant))
const take = (text: string, host: string): string => withoutBlock(text, findBlocks(text, 'f'), host)
/** Everything that is not ours, as one text. */
function outside(text: string): string {
  let rest = text
  for (const {host} of findBlocks(text, 'f')) rest = take(rest, host)
  return rest
}

describe('a block in a configuration of any kind', () => {
  it('can be taken out again to the byte', () => {
    fc.assert(
      fc.property(configTexts, fc.constantFrom(...HOSTS), (text, host) => {
        const written = put(text, host)
        expect(findBlocks(written, 'f')).toMatchObject([{host, edited: false}])
        expect(take(written, host)).toBe(text)
      }),
      {numRuns: 2000},
    )
  })

  it('leaves everything else as it is through any row of changes, and is the last one that was written', () => {
    const step = fc.record({
      host: fc.constantFrom(...HOSTS),
      variant: fc.nat(3),
      write: fc.boolean(),
    })
    fc.assert(
      fc.property(configTexts, fc.array(step, {maxLength: 12}), (text, steps) => {
        const expected = new Map<string, number>()
        let now = text
        for (const {host, variant, write} of steps) {
          now = write ? put(now, host, variant) : take(now, host)
          if (write) expected.set(host, variant)
          else expected.delete(host)
          expect(outside(now)).toBe(text)
        }
        const found = findBlocks(now, 'f')
        expect(found.map(({host}) => host).sort()).toEqual([...expected.keys()].sort())
        for (const {host, start, end} of found)
          expect(now.slice(start, end).replaceAll('\r\n', '\n').trimEnd()).toBe(
            blockOf(host, expected.get(host)),
          )
      }),
      {numRuns: 2000},
    )
  })

  it('changes nothing when it is written again', () => {
    fc.assert(
      fc.property(configTexts, fc.constantFrom(...HOSTS), (text, host) => {
        const once = put(text, host)
        expect(put(once, host)).toBe(once)
      }),
    )
  })

  it('is before the first Host or Match, and takes in no setting for all hosts', () => {
    fc.assert(
      fc.property(configLines, (lines) => {
        const text = lines.join('\n') + '\n'
        const written = put(text, HOSTS[0])
        const [block] = findBlocks(written, 'f')
        const section = /^[ \t]*"?(host|match)"?[ \t=]/im
        const before = written.slice(0, block?.start)
        const after = written.slice(block?.end)
        expect(before).not.toMatch(section)
        const next = after.split('\n').find((line) => line.trim() !== '' && !/^\s*#/.test(line))
        if (next !== undefined) expect(next).toMatch(section)
      }),
    )
  })

  it('has the line ends of the file', () => {
    const written = put('Compression yes\r\nHost x\r\n  Port 1\r\n', HOSTS[0])
    expect(written.split('\r\n').join('')).not.toMatch(/[\r\n]/)
  })

  it('goes above the comments of the section that follows, and below what is for all hosts', () => {
    const text = '# mine\nInclude more\n\n# about x\n# more about x\nHost x\n'
    const written = put(text, HOSTS[0])
    expect(written.split('\n').slice(0, 4)).toEqual(['# mine', 'Include more', '', `# zt: begin ${HOSTS[0]}`])
    expect(written).toContain('\n# about x\n# more about x\nHost x\n')
  })
})

describe('a block that someone has edited', () => {
  it.each<[what: string, edit: (text: string) => string, edited: boolean]>([
    ['a line more', (text) => text.replace('  ProxyCommand', '  Port 2222\n  ProxyCommand'), true],
    ['another value', (text) => text.replace('zt 0', 'zt 1'), true],
    ['no sum, as an earlier zt printed it', (text) => text.replace(/(# zt: end \S+) \w+/, '$1'), true],
    ['other line ends', (text) => text.replaceAll('\n', '\r\n'), false],
    ['something outside it', (text) => `Port 22\n${text}Host y\n`, false],
  ])('is noticed: %s', (_what, edit, edited) => {
    expect(findBlocks(edit(put('', HOSTS[0])), 'f')).toMatchObject([{edited}])
  })
})

describe('damaged marks', () => {
  const begin = (host: string): string => `# zt: begin ${host}\n`
  const end = (host: string): string => `# zt: end ${host}\n`
  it.each<[what: string, text: string, line: number]>([
    ['no end', `Port 1\n${begin('a')}Host a\n`, 2],
    ['no beginning', `Host a\n${end('a')}`, 2],
    ['an end of another', `${begin('a')}Host a\n${end('b')}`, 3],
    ['one in another', `${begin('a')}${begin('b')}${end('b')}${end('a')}`, 1],
    ['two of one host', `${begin('a')}${end('a')}${begin('a')}${end('a')}`, 3],
  ])('are refused with their line: %s', (_what, text, line) => {
    let thrown: unknown
    try {
      findBlocks(text, 'f')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({code: 'SSH_CONFIG_DAMAGED', details: {file: 'f', line}})
    expect(String(thrown)).toContain(`line ${line}`)
  })
})

describe('what the file says of the host itself', () => {
  it.each<[text: string, lines: number[]]>([
    ['Host h.example\n  ProxyCommand x\n', [2]],
    ['Host *.example !h.example\n  ProxyCommand x\n', []],
    ['Host other *.EXAMPLE\n  Port 1\n  proxycommand=x\n', [3]],
    ['Host h?example\n  "ProxyCommand" x\n', [2]],
    ['ProxyCommand x\nHost other\n  ProxyCommand y\n', [1]],
    ['Host other\n  ProxyCommand y\n', []],
    ['Match host h.example\n  ProxyCommand y\n', []],
    ['# zt: begin h.example\nHost h.example\n  ProxyCommand x\n# zt: end h.example\n', []],
    ['Host h.example.com\n  ProxyCommand x\nHost (\n  ProxyCommand x\n', []],
  ])('%j: lines %j', (text, lines) => {
    const others = otherSettings(text, findBlocks(text, 'f'), 'h.example', ['ProxyCommand'])
    expect(others.map(({line}) => line)).toEqual(lines)
  })
})

describe('the diff', () => {
  it('is empty for the same text, and otherwise makes the new one of the old one', () => {
    fc.assert(
      fc.property(configTexts, fc.constantFrom(...HOSTS), fc.nat(3), (text, host, variant) => {
        expect(unifiedDiff('f', text, text)).toBe('')
        for (const [before, after] of [
          [text, put(text, host)],
          [put(text, host, variant), text],
          [put(text, host), put(text, host, variant)],
        ] as const) {
          const lines = unifiedDiff('f', before, after).split('\n').slice(3)
          const side = (signs: string): string[] =>
            lines.filter((line) => signs.includes(line.charAt(0))).map((line) => line.slice(1))
          expect(shown(before)).toContain(side(' -').join('\n'))
          expect(shown(after)).toContain(side(' +').join('\n'))
        }
      }),
      {numRuns: 300},
    )
  })

  it('shows UTF-8 as it is, and leaves what could steer the terminal to its sink', () => {
    const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
    const diff = unifiedDiff('f', bytes('# für alle\n# \u001B[2Jx\n'), '')
    expect(diff).toBe('--- f\n+++ f\n@@ -1,2 +0,0 @@\n-# für alle\n-# \u001B[2Jx')
  })

  it('counts lines as diff does, and says where the last one has no end', () => {
    expect(unifiedDiff('f', 'a\nb\nc\nd\ne', 'a\nb\nc\nd\nx\ne')).toBe(
      '--- f\n+++ f\n@@ -2,4 +2,5 @@\n b\n c\n d\n+x\n e\n\\ No newline at end of file',
    )
  })
})

/** A text as the diff shows its lines. */
function shown(text: string): string {
  return unifiedDiff('f', '', text)
    .split('\n')
    .slice(3)
    .filter((line) => line.startsWith('+'))
    .map((line) => line.slice(1))
    .join('\n')
}
