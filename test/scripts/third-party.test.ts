import {mkdirSync, writeFileSync} from 'node:fs'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {pathToFileURL} from 'node:url'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'

interface Listed {
  name: string
  version: string
  licence: string
}
type Metafile = {outputs: Record<string, {inputs: Record<string, {bytesInOutput: number}>}>}
interface ThirdParty {
  thirdParty: (root: string, metafiles: Metafile[], changes: Record<string, string>) => Listed[]
  licenceFile: (packages: Listed[]) => string
  packagesIn: (text: string) => Listed[]
  sectionsIn: (text: string) => {packages: (Listed & {change?: string})[]; texts: string}[]
  compiledIn: (name: string, version: string) => {name: string}[]
}
const script = path.resolve(import.meta.dirname, '../../scripts/third-party.mjs')
const {thirdParty, licenceFile, packagesIn, sectionsIn, compiledIn} = (await import(
  pathToFileURL(script).href
)) as ThirdParty

let root: string
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-third-party-'))
  await install('esbuild')
})
afterEach(() => fs.rm(root, {recursive: true, force: true}))

const MIT = 'Permission is hereby granted'

/** @param where below node_modules */
async function install(
  where: string,
  json: object = {license: 'MIT'},
  texts: Record<string, string> = {LICENSE: MIT},
): Promise<void> {
  const directory = path.join(root, 'node_modules', where)
  await fs.mkdir(directory, {recursive: true})
  const name = where.split('node_modules/').at(-1)
  await fs.writeFile(path.join(directory, 'package.json'), JSON.stringify({name, version: '1.0.0', ...json}))
  for (const [file, text] of Object.entries(texts)) {
    await fs.mkdir(path.dirname(path.join(directory, file)), {recursive: true})
    await fs.writeFile(path.join(directory, file), text)
  }
}

/** Of a bundle with some bytes of each file, which is empty if it is not there. */
const bundle = (...files: string[]): Metafile => {
  for (const file of files.filter((one) => one.startsWith('node_modules/'))) {
    mkdirSync(path.join(root, path.dirname(file)), {recursive: true})
    writeFileSync(path.join(root, file), '', {flag: 'a'})
  }
  return {
    outputs: {'dist/x.cjs': {inputs: Object.fromEntries(files.map((file) => [file, {bytesInOutput: 9}]))}},
  }
}
const of = (...files: string[]): Listed[] => thirdParty(root, [bundle(...files)], {})
const names = (packages: Listed[]): string[] => packages.map(({name, version}) => `${name} ${version}`)

describe('the packages inside dist/', () => {
  it('are those of every bundle, each once, and the bundler for its helpers', async () => {
    await install('one')
    await install('@scope/two')
    const metafiles = [
      bundle('node_modules/one/a.js', 'src/ours.ts'),
      bundle('node_modules/one/lib/b.js', 'node_modules/@scope/two/index.js', 'package.json', '<stdin>'),
    ]
    expect(names(thirdParty(root, metafiles, {}))).toEqual(['@scope/two 1.0.0', 'esbuild 1.0.0', 'one 1.0.0'])
  })

  it('are not those of which nothing was left', async () => {
    await install('one')
    const metafile = {outputs: {'x.cjs': {inputs: {'node_modules/one/a.js': {bytesInOutput: 0}}}}}
    expect(names(thirdParty(root, [metafile], {}))).toEqual(['esbuild 1.0.0'])
  })

  it('are distinguished by version, where one has its own copy of another', async () => {
    await install('one', {license: 'MIT', version: '2.0.0'})
    await install('two')
    await install('two/node_modules/one', {license: 'ISC', version: '1.9.0'}, {LICENSE: 'the older one'})
    const files = ['node_modules/one/a.js', 'node_modules/two/node_modules/one/a.js']
    const found = of(...files)
    expect(names(found)).toEqual(['esbuild 1.0.0', 'one 1.9.0', 'one 2.0.0'])
    expect(of(...files.toReversed())).toEqual(found)
    expect(licenceFile(found)).toContain('one 1.9.0 (ISC)')
  })

  it.each<[what: string, json: object, texts: Record<string, string>, message: RegExp]>([
    ['no licence', {}, {LICENSE: MIT}, /^one 1\.0\.0 .* names no licence/],
    ['an unknown licence', {license: 'GPL-3.0-only'}, {LICENSE: 'GPL'}, /^one .*"GPL-3\.0-only"/],
    ['one of its own', {license: 'SEE LICENSE IN LICENSE'}, {LICENSE: 'x'}, /"SEE LICENSE IN LICENSE"/],
    [
      'two, one of them unread',
      {licenses: [{type: 'MIT'}, {type: 'GPL-2.0'}]},
      {LICENSE: MIT},
      /"MIT AND GPL-2/,
    ],
    ['no text', {license: 'MIT'}, {}, /^one .* does not include the text of its licence \(MIT\)/],
    [
      'a text that is none of its own',
      {license: 'MIT'},
      {'node_modules/two/LICENSE': MIT},
      /does not include the text/,
    ],
    ['a program of that name', {license: 'MIT'}, {'license.js': MIT}, /does not include the text/],
  ])('end the build where one has %s', async (_what, json, texts, message) => {
    await install('one', json, texts)
    expect(() => of('node_modules/one/a.js')).toThrow(message)
  })

  describe('with programs of others in compiled form', () => {
    const base64 = Buffer.from('\0asm\x01\0\0\0').toString('base64')
    const withCode = async (name: string, code: string): Promise<string> => {
      await install(name, {license: 'MIT'}, {LICENSE: MIT, 'a.js': code})
      return `node_modules/${name}/a.js`
    }

    it.each([
      ['base64', `const wasm = '${base64}'`],
      ['a data: URL', `const url = "data:application/wasm;base64,${base64}"`],
      ['a text', String.raw`const wasm = "\0asm\x01\0\0\0"`],
      ['a text of hexadecimal escapes', String.raw`const wasm = "\x00\x61\x73\x6d"`],
      ['numbers', 'new Uint8Array([0, 97, 115, 109, 1])'],
      ['numbers without blanks', 'new Uint8Array([0,97,115,109,1])'],
      ['hexadecimal numbers', 'new Uint8Array([0x00, 0x61, 0x73, 0x6d])'],
    ])('end the build where it is not known whose: %s', async (_, code) => {
      const file = await withCode('one', code)
      expect(() => of(file)).toThrow(/^one 1\.0\.0 .* has compiled code.* COMPILED/)
    })

    it('have the licence of each, from our own files', async () => {
      const file = await withCode('ssh2', `'${base64}'`)
      const all = compiledIn('ssh2', '1.0.0').map(({name}) => name)
      expect(all).toContain('emscripten')
      const ours = path.join(root, 'packaging', 'licences')
      await fs.mkdir(ours, {recursive: true})
      for (const name of all) await fs.writeFile(path.join(ours, `${name}.txt`), `the terms of ${name}\n`)
      const text = licenceFile(of(file))
      for (const name of all)
        expect(text).toMatch(new RegExp(`^${name} \\(.+\\):\n\nthe terms of ${name}$`, 'm'))
      await fs.rm(path.join(ours, `${all[0]}.txt`))
      expect(() => of(file)).toThrow(`${all[0]}.txt`)
    })

    it('end the build where it no longer has what we say', async () => {
      const file = await withCode('ssh2', '')
      expect(() => of(file)).toThrow(/^ssh2 .* no longer has compiled code/)
    })
  })

  it.each(['../elsewhere/a.js', 'vendor/a.js', 'made:up'])('end the build where %s is no one’s', (file) => {
    expect(() => of(file)).toThrow(`${file} is in dist/`)
  })

  it('end the build where one is said to be changed and is not there', () => {
    expect(() => thirdParty(root, [], {one: 'better'})).toThrow(/one$/)
  })
})

describe('the file of licences', () => {
  it('has every text of a package: of what it has taken from others too, and notices', async () => {
    const texts = {'LICENSE.md': 'its own', 'src/taken/license': 'another’s', 'NOTICE.txt': 'a notice'}
    await install('one', {licenses: [{type: 'Apache-2.0'}]}, texts)
    const text = licenceFile(of('node_modules/one/a.js'))
    for (const one of ['one 1.0.0 (Apache-2.0)', ...Object.values(texts)]) expect(text).toContain(one)
  })

  it('has a text that several share once, below all their heads', async () => {
    await install('one')
    await install('two', {license: 'MIT'}, {'license.txt': `\r\n${MIT}  \r\n\r\n`})
    const text = licenceFile(of('node_modules/one/a.js', 'node_modules/two/a.js'))
    expect(text.split(MIT)).toHaveLength(2)
    expect(text).toMatch(/esbuild 1\.0\.0 \(MIT\)\none 1\.0\.0 \(MIT\)\ntwo 1\.0\.0 \(MIT\)\n=/)
  })

  it('says what was changed, at that package alone', async () => {
    await install('one')
    await install('two/node_modules/one', {license: 'MIT', version: '3.0.0'})
    const files = bundle('node_modules/one/a.js', 'node_modules/two/node_modules/one/a.js')
    const text = licenceFile(thirdParty(root, [files], {'two/node_modules/one': 'it is faster'}))
    expect(text).toContain('one 3.0.0 (MIT)\nchanged in zt: it is faster\n')
    expect(text.split('changed in zt')).toHaveLength(2)
  })

  it('begins with a list that can be read back', async () => {
    await install('@scope/a-long-name-of-a-package', {license: 'ISC', version: '10.0.0-rc.1'})
    const found = of('node_modules/@scope/a-long-name-of-a-package/a.js')
    const listed = found.map(({name, version, licence}) => ({name, version, licence}))
    expect(packagesIn(licenceFile(found))).toEqual(listed)
  })

  it('has sections that can be read back, each text with all its packages and what was changed', async () => {
    const own = `${'='.repeat(80)}\nnot a head\n${'='.repeat(80)}\nits own`
    await install('@scope/one', {license: 'ISC', version: '10.0.0-rc.1'}, {LICENSE: own})
    await install('two')
    const files = bundle('node_modules/@scope/one/a.js', 'node_modules/two/a.js')
    expect(sectionsIn(licenceFile(thirdParty(root, [files], {two: 'it is (much) faster'})))).toEqual([
      {packages: [{name: '@scope/one', version: '10.0.0-rc.1', licence: 'ISC'}], texts: own},
      {
        packages: [
          {name: 'esbuild', version: '1.0.0', licence: 'MIT'},
          {name: 'two', version: '1.0.0', licence: 'MIT', change: 'it is (much) faster'},
        ],
        texts: MIT,
      },
    ])
  })
})
