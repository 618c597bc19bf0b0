import fs from 'node:fs/promises'
import {createRequire} from 'node:module'
import os from 'node:os'
import path from 'node:path'
import {build} from 'esbuild'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {inSources} from '../../src/lib/cli/source-places.js'

const SOURCE = `type Unused = {a: string}

export function fail(): never {
  throw new Error('here')
}
`

let directory: string
let frames: string[]
beforeAll(async () => {
  directory = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-places-'))
  const entry = path.join(directory, 'source.ts')
  const outfile = path.join(directory, 'out', 'built.cjs')
  await fs.writeFile(entry, SOURCE)
  await build({entryPoints: [entry], outfile, format: 'cjs', sourcemap: true, banner: {js: '//\n//\n//'}})
  const {fail} = createRequire(import.meta.url)(outfile) as {fail: () => never}
  try {
    fail()
  } catch (error) {
    frames = String((error as Error).stack)
      .split('\n')
      .slice(1)
  }
})
afterAll(() => fs.rm(directory, {recursive: true, force: true}))

describe('inSources', () => {
  it('names the place in the source, not in the file that was built', () => {
    expect(frames[0]).toContain(path.join(directory, 'out', 'built.cjs'))
    expect(inSources(frames)[0]).toBe(`    at fail (${path.join(directory, 'source.ts')}:4:9)`)
  })

  it('leaves what has no source map as it is', () => {
    const others = ['Error', '    at node:internal/main:1:2', '    at x (/no/such/file.js:3:4)', 'caused by:']
    expect(inSources(others)).toEqual(others)
  })
})
