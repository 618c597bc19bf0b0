import fs from 'node:fs'
import path from 'node:path'
import {runInNewContext} from 'node:vm'
import {transformSync} from 'esbuild'
import {describe, expect, it} from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8')
const {engines, scripts} = JSON.parse(read('package.json')) as {
  engines: {node: string}
  scripts: Record<string, string>
}

/** What bin/needs-node.cjs does on this version of node. */
function on(version: string): {code: number | undefined; said: string[]} {
  const said: string[] = []
  let code: number | undefined
  const process = {versions: {node: version}, exit: (given: number) => (code = given)}
  runInNewContext(read('bin/needs-node.cjs'), {process, console: {error: (line: string) => said.push(line)}})
  return {code, said}
}

describe('a node that is too old', () => {
  it.each(['0.12.18', '8.17.0', '10.24.1', '12.22.12', '18.20.8', '19.9.0', '20.9.0', '20.18.3'])(
    '%s is refused by name, and ends with the code of needs-action',
    (version) => {
      const {code, said} = on(version)
      expect(code).toBe(9)
      expect(said[0]).toBe('error: zt needs node 20.19 or newer')
      expect(said.join('\n')).toContain(`This is node ${version}.`)
    },
  )

  it.each(['20.19.0', '20.20.1', '21.0.0', '22.12.0', '100.0.0'])('%s runs zt', (version) => {
    expect(on(version)).toEqual({code: undefined, said: []})
  })

  it('is one below `engines` in package.json', () => {
    const lowest = engines.node.replace('>=', '')
    expect(on(`${lowest}.0`).code).toBeUndefined()
    const [major, minor] = lowest.split('.').map(Number)
    expect(on(`${major}.${(minor ?? 0) - 1}.99`).code).toBe(9)
  })

  it.each(['bin/zt.cjs', 'bin/dev.cjs'])('%s asks before anything else', (file) => {
    const [first] = read(file)
      .split('\n')
      .filter((line) => line !== '' && !/^(#!|\/\/|'use strict')/.test(line))
    expect(first).toBe("require('./needs-node.cjs')")
  })

  it.each([
    ['bin/zt.cjs', 'node10'],
    ['bin/dev.cjs', 'node10'],
    // Before node 4 there is no other way of writing.
    ['bin/needs-node.cjs', 'es5'],
  ])('%s is written as %s reads it, or node would not get to that line', (file, target) => {
    const written = (as: string): string =>
      // import() is read since node 10, and esbuild knows only since when it works.
      transformSync(read(file), {target: as, format: 'cjs', supported: {'dynamic-import': true}}).code
    expect(written(target)).toBe(written('esnext'))
  })

  it('is asked for first in every script of package.json', () => {
    const without = Object.entries(scripts).filter(
      ([, line]) => !line.startsWith('node bin/needs-node.cjs && '),
    )
    expect(without).toEqual([])
  })
})
