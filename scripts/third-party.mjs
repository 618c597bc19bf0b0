// Which code of other people is in dist/, and under which licences.
import fs from 'node:fs'
import path from 'node:path'
import {ABSENT} from './absent.mjs'

/** SPDX IDs whose terms are met by passing on the texts. Read any other before you add it. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-3-Clause', 'ISC', 'MIT', 'Unlicense']
const TEXTS = /^(licen[cs]e|copying|notice|copyright|third-?party)/i
/** The last package in a path: a package may have its own copy of another. */
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/
/** Made during the build, from files that are inputs themselves. */
const MADE = ['<stdin>', 'oclif:index', 'sdk:sdk', ...ABSENT]
/** Its helpers are in its output, but in no metafile. */
const BUNDLER = 'node_modules/esbuild'
const RULE = '='.repeat(80)
/** How WebAssembly begins, as JavaScript contains it: in base64, as a text, as numbers. */
const WEB_ASSEMBLY =
  /AGFzbQ|\\(?:0|x00|u0000)asm|\\x00\\x61\\x73\\x6[dD]|\b0,\s*97,\s*115,\s*109\b|\b0x0+,\s*0x61,\s*0x73,\s*0x6[dD]\b/
const EMSCRIPTEN = [
  {name: 'emscripten', purl: 'pkg:github/emscripten-core/emscripten', licence: 'MIT'},
  {name: 'musl', purl: 'pkg:generic/musl', licence: 'MIT'},
]

/**
 * Programs of others that a package contains in compiled form, by the package: its own texts do not include theirs, which are
 * in packaging/licences/. Of two licences to choose from, this is one.
 */
const COMPILED = {
  'jq-wasm': (version) => {
    const jq = version.split('-jq-')[1]
    return [
      {
        ...{name: 'jq', version: jq, purl: `pkg:github/jqlang/jq@jq-${jq}`},
        licence: 'MIT AND dtoa AND ICU AND BSD-2-Clause',
      },
      {name: 'oniguruma', purl: 'pkg:github/kkos/oniguruma', licence: 'BSD-2-Clause'},
      ...EMSCRIPTEN,
    ]
  },
  ssh2: () => [
    {name: 'poly1305-donna', purl: 'pkg:github/floodyberry/poly1305-donna', licence: 'MIT'},
    ...EMSCRIPTEN,
  ],
}

/**
 * @param {string} name of a package
 * @param {string} version
 * @returns {{name: string, version?: string, purl: string, licence: string}[]} what it contains in compiled form; `licence`
 *   as an SPDX expression
 */
export const compiledIn = (name, version) => COMPILED[name]?.(version) ?? []

const compiledText = (root, name) =>
  tidy(fs.readFileSync(path.join(root, 'packaging', 'licences', `${name}.txt`), 'utf8'))

/**
 * The packages with code in the bundles.
 *
 * @param {string} root what esbuild's paths are relative to
 * @param {import('esbuild').Metafile[]} metafiles of every build, those inside others too
 * @param {Record<string, string>} changes what the build changes in a package, by its directory below node_modules
 * @returns {{name: string, version: string, licence: string, change?: string, texts: string}[]} by name, then version;
 *   `licence` as an SPDX ID, `texts` of the package and of what it contains from others
 * @throws if a licence or its text is missing, the licence is not on the list, or it is not known whose code one has in
 *   compiled form
 */
export function thirdParty(root, metafiles, changes) {
  const directories = new Set([BUNDLER])
  const compiled = new Set()
  const inputs = metafiles.flatMap(({outputs}) =>
    Object.values(outputs).flatMap((output) => Object.entries(output.inputs)),
  )
  for (const [file, {bytesInOutput}] of inputs) {
    const directory = PACKAGE.exec(file)?.[0]
    if (directory === undefined && !/^(src\/|package\.json$)/.test(file) && !MADE.includes(file))
      throw new Error(`${file} is in dist/, but belongs neither to zt nor to a package`)
    if (directory === undefined || bytesInOutput === 0) continue
    directories.add(directory)
    if (WEB_ASSEMBLY.test(fs.readFileSync(path.join(root, file), 'latin1'))) compiled.add(directory)
  }
  const changed = (directory) => directory.slice(directory.indexOf('/') + 1)
  const gone = Object.keys(changes).filter((name) => !directories.has(`node_modules/${name}`))
  if (gone.length > 0) throw new Error(`listed as changed, but not in dist/: ${gone.join(', ')}`)
  const found = new Map()
  for (const directory of directories) {
    const one = {...read(root, directory, compiled.has(directory)), change: changes[changed(directory)]}
    // npm may install one version in several places.
    const key = `${one.name} ${one.version}`
    found.set(key, {...one, change: one.change ?? found.get(key)?.change})
  }
  return [...found.values()].sort((a, b) =>
    a.name < b.name || (a.name === b.name && a.version < b.version) ? -1 : 1,
  )
}

function read(root, where, hasCompiled) {
  const directory = path.join(root, where)
  const json = JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'))
  const {name, version} = json
  const fail = (what) => {
    throw new Error(`${name} ${version} is in dist/, but ${what}`)
  }
  // Some old packages have a list.
  const licence = json.license ?? json.licenses?.map(({type}) => type).join(' AND ')
  if (!licence) fail('its package.json names no licence')
  if (!ALLOWED.includes(licence))
    fail(`its licence ${JSON.stringify(licence)} is not on the list in scripts/third-party.mjs`)
  const texts = textFiles(directory).map((file) => tidy(fs.readFileSync(file, 'utf8')))
  if (texts.length === 0) fail(`does not include the text of its licence (${licence})`)
  const others = compiledIn(name, version)
  if (hasCompiled !== others.length > 0)
    fail(
      `${hasCompiled ? 'has' : 'no longer has'} compiled code: say in COMPILED in scripts/third-party.mjs what it is`,
    )
  texts.push(...others.map((one) => `${titleOf(one)}:\n\n${compiledText(root, one.name)}`))
  return {name, version, licence, texts: texts.join('\n\n')}
}

const titleOf = ({name, version, licence}) => `${[name, version].filter(Boolean).join(' ')} (${licence})`

/** In every directory: what it contains from others has its own. */
function textFiles(directory) {
  return fs
    .readdirSync(directory, {recursive: true, withFileTypes: true})
    .filter((file) => file.isFile() && TEXTS.test(file.name) && /^[^.]+$|\.(md|txt)$/i.test(file.name))
    .map((file) => path.relative(directory, path.join(file.parentPath, file.name)))
    .filter((file) => !file.split(path.sep).includes('node_modules'))
    .sort()
    .map((file) => path.join(directory, file))
}

const tidy = (text) =>
  text
    .replaceAll('\r\n', '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .replace(/^\n+/, '')
    .trimEnd()

/**
 * The licence file: a list of the packages, then their texts, each text once.
 *
 * @param {ReturnType<typeof thirdParty>} packages
 * @returns {string}
 */
export function licenceFile(packages) {
  const groups = new Map()
  for (const one of packages) groups.set(one.texts, [...(groups.get(one.texts) ?? []), one])
  const width = Math.max(...packages.map(({name, version}) => `${name} ${version}`.length))
  const list = packages.map(({name, version, licence}) => `${`${name} ${version}`.padEnd(width)}  ${licence}`)
  const parts = [...groups].map(([texts, those]) => {
    const heads = those.map((one) =>
      [titleOf(one), ...(one.change ? [`changed in zt: ${one.change}`] : [])].join('\n'),
    )
    return [RULE, ...heads, RULE, '', texts, ''].join('\n')
  })
  return `${INTRODUCTION}\n\n${list.join('\n')}\n\n${parts.join('\n')}`
}

const INTRODUCTION = `The files in dist/ contain code of the packages below, each under its own
licence; the texts follow the list. What is installed beside zt has its own.`

/**
 * Reads the list in a licence file.
 *
 * @param {string} text of {@link licenceFile}
 * @returns {{name: string, version: string, licence: string}[]}
 */
export function packagesIn(text) {
  return [...text.split(RULE, 1)[0].matchAll(/^(\S+) (\d\S*) +(\S+)$/gm)].map(
    ([, name, version, licence]) => ({
      name,
      version,
      licence,
    }),
  )
}

/**
 * Reads the texts in a licence file, each with the packages that it is for.
 *
 * @param {string} text of {@link licenceFile}
 * @returns {{packages: {name: string, version: string, licence: string, change?: string}[], texts: string}[]}
 */
export function sectionsIn(text) {
  const heads = new RegExp(`^${RULE}\n((?:\\S+ \\d\\S* \\(.+\\)\n(?:changed in zt: .+\n)?)+)${RULE}\n`, 'gm')
  const found = [...text.matchAll(heads)]
  return found.map(({0: whole, 1: list, index}, at) => ({
    packages: [...list.matchAll(/^(\S+) (\d\S*) \((.+)\)\n(?:changed in zt: (.+)\n)?/gm)].map(
      ([, name, version, licence, change]) => ({name, version, licence, ...(change && {change})}),
    ),
    texts: text.slice(index + whole.length, found[at + 1]?.index).trim(),
  }))
}
