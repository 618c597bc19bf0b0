// The licences of everything in an executable of zt: zt, the code in its bundles, the keychain's library, and node.
import fs from 'node:fs'
import path from 'node:path'
import {sectionsIn} from './third-party.mjs'

/** Linked into the keychain's library, or compiled into it. */
const NATIVE = ['keytar', 'node-addon-api']
const RULE = '='.repeat(80)

/**
 * @param {string} root of the project, with its packages, and those of executable/, installed
 * @returns {{names: string[], paths: string[], licence: string, copyrights: string[], changes: string[],
 *   texts: string}[]} zt first. `paths` are patterns in the sources
 * @throws if a text is missing
 */
export function executableLicences(root) {
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
      const paths = [...new Set(packages.map(({name}) => `node_modules/${name}/*`))]
      const names = packages.map(({name, version}) => `${name} ${version}`)
      const changed = packages.filter(({change}) => change !== undefined)
      const changes = changed.map(({name, change}) => `${name} is changed in zt: ${change}`)
      return one(names, paths, licences[0], texts, changes)
    }),
    ...NATIVE.map((name) => {
      const {version, license} = JSON.parse(read(`node_modules/${name}/package.json`))
      return one(
        [`${name} ${version}`],
        [`node_modules/${name}/*`],
        license,
        read(`node_modules/${name}/LICENSE.md`),
      )
    }),
    one(['node, and what it contains'], ['executable/node_modules/*'], 'Node.js', nodeLicence(root)),
  ]
}

/** The npm packages of the other nodes do not include it. */
function nodeLicence(root) {
  const file = path.join(root, 'executable', 'node_modules', `node-linux-${process.arch}`, 'LICENSE')
  return fs
    .readFileSync(file, 'utf8')
    .replaceAll(/[ \t\f]+$/gm, '')
    .trim()
}

/** The lines of a licence that name holders; the authors, if there are none. */
function copyrightsIn(text, names) {
  const lines = [...text.matchAll(/^.*?((?:©|\(c\)|\bCopyright (?:\([cC]\) |© )?(?=[\dA-Z])).*)$/gm)].map(
    ([, line]) =>
      line
        .replace(/^Copyright (\([cC]\)|©)?\s*/, '')
        .replace(/^(©|\(c\))\s*/, '')
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
 * @returns {string}
 */
export function licenceText(root) {
  const parts = executableLicences(root).map(({names, changes, texts}) =>
    [RULE, ...names, ...changes, RULE, '', texts, ''].join('\n'),
  )
  return `${INTRODUCTION}\n\n${parts.join('\n')}`
}

const INTRODUCTION = 'zt, and the code of others in its executables, each with its licence.'
