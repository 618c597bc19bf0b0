// The licences of everything in an executable of zt: zt, the code in its bundles, the keychain's library, and node.
import fs from 'node:fs'
import path from 'node:path'
import {compiledIn, sectionsIn} from './third-party.mjs'

/** Linked into the keychain's library, or compiled into it. */
const NATIVE = ['keytar', 'node-addon-api']
const RULE = '='.repeat(80)

/**
 * @param {string} root of the project, with its packages installed
 * @param {string} [node] that the executable is made of, if it is not npm's
 * @returns {{names: string[], paths: string[], licence: string, copyrights: string[], changes: string[],
 *   texts: string}[]} zt first. `paths` are patterns in the sources, `licence` is an SPDX expression or "Node.js"
 * @throws if a text is missing
 */
export function executableLicences(root, node) {
  const read = (name) => fs.readFileSync(path.join(root, name), 'utf8').replaceAll('\r\n', '\n').trim()
  const one = (names, paths, licence, texts, changes = []) => ({
    names,
    paths,
    licence,
    texts,
    changes,
    copyrights: copyrightsIn(texts, names),
  })
  return [
    one(['zt'], ['*'], 'MIT', read('LICENSE')),
    ...sectionsIn(read('dist/THIRD-PARTY-LICENSES.txt')).map(({packages, texts}) => {
      const licences = [...new Set(packages.map(({licence}) => licence))]
      if (licences.length > 1) throw new Error(`one text for ${licences.join(' and ')}`)
      const compiled = packages.flatMap(({name, version}) => compiledIn(name, version))
      const all = [...licences, ...compiled.flatMap(({licence}) => licence.split(' AND '))]
      const licence = [...new Set(all)].join(' AND ')
      const paths = [...new Set(packages.map(({name}) => `node_modules/${name}/*`))]
      const names = packages.map(({name, version}) => `${name} ${version}`)
      const changed = packages.filter(({change}) => change !== undefined)
      const changes = changed.map(({name, change}) => `${name} is changed in zt: ${change}`)
      return one(names, paths, licence, texts, changes)
    }),
    ...NATIVE.map((directory) => {
      const {name, version, license} = JSON.parse(read(`node_modules/${directory}/package.json`))
      const text = read(`node_modules/${directory}/LICENSE.md`)
      return one([`${name} ${version}`], [`node_modules/${directory}/*`], license, text)
    }),
    one(
      ['node, and what it contains'],
      ['executable/node_modules/*'],
      'Node.js',
      fs
        .readFileSync(nodeLicence(root, node), 'utf8')
        .replaceAll(/[ \t\f\r]+$/gm, '')
        .trim(),
    ),
    // Node's own licence lacks it.
    one(
      ['libffi in node'],
      ['executable/node_modules/*/bin/*'],
      'MIT',
      read('packaging/licences/libffi.txt'),
    ),
  ]
}

/** Beside it, as nodejs.org publishes it; or else that of npm's node, which applies to others, too. */
function nodeLicence(root, node) {
  const ofNpm = path.join(root, 'executable', 'node_modules', `node-linux-${process.arch}`)
  const beside = node === undefined ? [] : [path.dirname(node), path.join(path.dirname(node), '..')]
  const places = [...beside, ofNpm].map((one) => path.join(one, 'LICENSE'))
  // A directory may have that of another program.
  const found = places.find(
    (file) => fs.existsSync(file) && fs.readFileSync(file, 'utf8').startsWith('Node.js '),
  )
  if (found === undefined) throw new Error(`no licence of node in ${places.join(' or ')}`)
  return found
}

/** The lines of a licence that name holders; the authors, if there are none. */
function copyrightsIn(text, names) {
  const lines = [...text.matchAll(/^.*?((?:©|\([cC]\)|\bCopyright (?:\([cC]\) |© )?(?=[\dA-Z])).*)$/gm)].map(
    ([, line]) =>
      line
        .replace(/^Copyright (\([cC]\)|©)?\s*/, '')
        .replace(/^(©|\([cC]\))\s*/, '')
        .trim(),
  )
  const holders = lines.filter((line) => !/^(License|Holder|Notice|notice|owner)\b|\[yyyy\]/.test(line))
  const found = [...new Set(holders)]
  return found.length > 0 ? found : [`the authors of ${names.join(', ')}`]
}

/**
 * The same as one text, to be passed on with an executable.
 *
 * @param {string} root
 * @param {string} [node] as above
 * @returns {string}
 */
export function licenceText(root, node) {
  const parts = executableLicences(root, node).map(({names, changes, texts}) =>
    [RULE, ...names, ...changes, RULE, '', texts, ''].join('\n'),
  )
  return `${INTRODUCTION}\n\n${parts.join('\n')}`
}

const INTRODUCTION = 'zt, and the code of others in its executables, each with its licence.'
