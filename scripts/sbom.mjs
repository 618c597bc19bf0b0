// What is in a file of a release, as a bill of materials: https://cyclonedx.org/docs/1.6/json/. Bundled code is taken from
// the licence file, which the build writes from what the bundler says is in the bundles: a lock file does not tell which
// development dependencies ship. `node scripts/sbom.mjs NODE` writes what that node contains into
// packaging/node-components.json.
import {execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import {Enums, Models, Serialize, Spec, Validation} from '@cyclonedx/cyclonedx-library'
import {inspectNode} from './node-binary.mjs'
import {compiledIn, sectionsIn} from './third-party.mjs'

const root = path.resolve(import.meta.dirname, '..')
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8')
const json = (name) => JSON.parse(read(name))
const COMPONENTS = 'packaging/node-components.json'
const {Library, Application, Platform, Data, File} = Enums.ComponentType

/**
 * Names in `process.versions`: as what and where it is known, to those who match vulnerabilities, and its licence. The CPEs are
 * those of https://nvd.nist.gov/products/cpe, the licences those that node's own licence quotes.
 */
const IN_NODE = {
  acorn: {npm: true, licence: 'MIT'},
  ada: {licence: 'Apache-2.0 OR MIT'},
  amaro: {npm: true, licence: 'MIT'},
  ares: {name: 'c-ares', licence: 'MIT'},
  brotli: {licence: 'MIT'},
  cldr: {type: Data, licence: 'Unicode-3.0'},
  icu: {licence: 'Unicode-3.0'},
  libffi: {licence: 'MIT'},
  lief: {licence: 'Apache-2.0'},
  llhttp: {licence: 'MIT'},
  merve: {licence: 'MIT'},
  nbytes: {licence: 'MIT'},
  ncrypto: {licence: 'MIT'},
  nghttp2: {cpe: 'nghttp2:nghttp2', licence: 'MIT'},
  nghttp3: {licence: 'MIT'},
  ngtcp2: {licence: 'MIT'},
  openssl: {cpe: 'openssl:openssl', licence: 'Apache-2.0'},
  simdjson: {licence: 'Apache-2.0'},
  simdutf: {licence: 'MIT'},
  sqlite: {cpe: 'sqlite:sqlite', licence: 'blessing'},
  tz: {name: 'tzdata', type: Data, licence: 'LicenseRef-public-domain'},
  undici: {npm: true, licence: 'MIT'},
  unicode: {type: Data, licence: 'Unicode-3.0'},
  uv: {name: 'libuv', cpe: 'libuv:libuv', licence: 'MIT'},
  uvwasi: {licence: 'MIT'},
  v8: {licence: 'BSD-3-Clause'},
  zlib: {licence: 'Zlib'},
  zstd: {licence: 'BSD-3-Clause'},
}
/** What its licence says is in it, too, and `process.versions` does not. */
const ALSO_IN_NODE = {
  HdrHistogram: 'BSD-2-Clause',
  'Punycode.js': 'MIT',
  SipHash: 'CC0-1.0',
  inspector_protocol: 'BSD-3-Clause',
  ittapi: 'BSD-3-Clause',
  minimatch: 'BlueOak-1.0.0',
  swc: 'Apache-2.0',
}
/** Numbers of interfaces in `process.versions`. */
const NOT_COMPONENTS = new Set(['modules', 'napi', 'node'])

/**
 * @param {object} what
 * @param {string} what.file of the release, whose checksum it gets
 * @param {'npm' | 'executable'} what.contents a .deb contains an executable
 * @param {string} [what.executable] the executable itself, unless that is `file`
 * @param {string} [what.target] of the executable: `linux-x64`
 * @param {string} what.version of zt
 * @param {Date} what.date
 * @returns {Promise<string>} JSON; the same for the same file
 * @throws if something in the file cannot be named, or the result does not conform to the schema
 */
export async function makeSbom({file, contents, executable = file, target, version, date}) {
  const name = path.basename(file)
  const itself = new Models.Component(Application, contents === 'npm' ? 'zt-access' : name, {
    bomRef: name,
    version,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], digest('sha256', file)]]),
    licenses: licence('MIT'),
    purl:
      contents === 'npm'
        ? `pkg:npm/zt-access@${version}`
        : `pkg:generic/zt-access@${version}?file_name=${name}`,
  })
  const parts = [
    ...bundled(),
    ...keychain(contents === 'npm' ? undefined : target),
    ...(contents === 'npm' ? [] : [node(target, executable)]),
  ]
  const bom = new Models.Bom({
    metadata: new Models.Metadata({
      timestamp: date,
      component: itself,
      lifecycles: new Models.LifecycleRepository([Enums.LifecyclePhase.Build]),
    }),
    components: new Models.ComponentRepository(parts),
  })
  for (const part of parts) itself.dependencies.add(part.bomRef)
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6))
  const text = (number) => {
    bom.serialNumber = number
    return `${serializer.serialize(bom, {sortLists: true, space: 2})}\n`
  }
  const result = text(uuidOf(text(undefined)))
  const fault = await sbomFault(result)
  if (fault !== null) throw new Error(`the SBOM of ${name} does not conform to the schema: ${fault}`)
  return result
}

/**
 * @param {string} text an SBOM
 * @returns {Promise<string | null>} what does not conform to the schema of CycloneDX 1.6
 */
export async function sbomFault(text) {
  const errors = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text)
  return errors === null ? null : JSON.stringify(errors)
}

/** Code in dist/. */
function bundled() {
  return sectionsIn(read('dist/THIRD-PARTY-LICENSES.txt'))
    .flatMap(({packages}) => packages)
    .map(({name, version, licence: id, change}) =>
      packageOf(name, version, id, {
        components: compiledIn(name, version).map((one) => compiled(one, name)),
        properties: change === undefined ? [] : [['zt:changed', change]],
      }),
    )
}

/** Several packages may contain the same. */
const compiled = ({name, version, purl, licence: id}, owner) =>
  new Models.Component(Library, name, {bomRef: `${owner}/${purl}`, version, purl, licenses: licence(id)})

/**
 * @param {string | undefined} target whose native part is inside; undefined: it is installed beside the package
 */
function keychain(target) {
  const of = (directory) => json(`node_modules/${directory}/package.json`)
  const [keytar, api] = ['keytar', 'node-addon-api'].map(of)
  const native =
    target === undefined ? undefined : `prebuilds/${target.replace('win-', 'win32-')}/keytar.node`
  const components =
    native === undefined
      ? []
      : [
          new Models.Component(File, native, {
            bomRef: native,
            hashes: new Models.HashDictionary([
              [
                Enums.HashAlgorithm['SHA-256'],
                digest('sha256', path.join(root, 'node_modules/keytar', native)),
              ],
            ]),
          }),
        ]
  const properties = target === undefined ? [['zt:delivery', 'installed beside the package']] : []
  return [
    packageOf(keytar.name, keytar.version, keytar.license, {components, properties}),
    packageOf(api.name, api.version, api.license, {properties}),
  ]
}

function packageOf(name, version, id, {components = [], properties = []} = {}) {
  const [scope, rest] = name.startsWith('@') ? name.split('/') : [undefined, name]
  const purl = `pkg:npm/${scope ? `%40${scope.slice(1)}/` : ''}${rest}@${version}`
  return new Models.Component(Library, rest, {
    ...(scope && {group: scope}),
    bomRef: purl,
    version,
    purl,
    licenses: licence(id),
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], lockedHash(name, version)]]),
    components: new Models.ComponentRepository(components),
    properties: new Models.PropertyRepository(
      properties.map(([key, value]) => new Models.Property(key, value)),
    ),
  })
}

/** Of the package's archive, which npm checks. */
function lockedHash(name, version) {
  const {packages} = json('package-lock.json')
  const found = Object.entries(packages).find(
    ([where, one]) =>
      one.version === version && (one.name ?? where.slice(where.lastIndexOf('node_modules/') + 13)) === name,
  )
  const [algorithm, base64] = found?.[1].integrity?.split('-') ?? []
  if (algorithm !== 'sha512') throw new Error(`the lock file has no checksum of ${name} ${version}`)
  return Buffer.from(base64, 'base64').toString('hex')
}

/** The node in an executable, which is a file of several libraries. */
function node(target, executable) {
  const bytes = fs.readFileSync(executable)
  const {target: kind, version} = inspectNode(bytes)
  if (kind !== target) throw new Error(`${executable} is not made of a node for ${target}`)
  const versions = json(COMPONENTS)[version]
  if (versions === undefined)
    throw new Error(`${COMPONENTS} does not have node ${version}: node scripts/sbom.mjs PATH-OF-THAT-NODE`)
  const inside = Object.entries(versions).filter(([key, value]) => !NOT_COMPONENTS.has(key) && value !== '')
  const missing = inside
    .filter(([, value]) => !bytes.includes(value))
    .map(([key, value]) => `${key} ${value}`)
  if (missing.length > 0)
    throw new Error(`${executable} is not made of node ${version}: it lacks ${missing.join(', ')}`)
  const components = inside.map(([key, value]) => {
    if (!Object.hasOwn(IN_NODE, key))
      throw new Error(`node contains ${key}: add it to IN_NODE in scripts/sbom.mjs`)
    const {name = key, type = Library, npm, cpe, licence: id} = IN_NODE[key]
    const purl = `pkg:${npm ? 'npm' : 'generic'}/${name}@${value}`
    // A package of the same version may be in a bundle, too.
    return new Models.Component(type, name, {
      bomRef: `node/${purl}`,
      version: value,
      purl,
      licenses: licence(id),
      ...(cpe && {cpe: `cpe:2.3:a:${cpe}:${value}:*:*:*:*:*:*:*`}),
    })
  })
  for (const [name, id] of Object.entries(ALSO_IN_NODE)) {
    const purl = `pkg:generic/${name}`
    components.push(
      new Models.Component(Library, name, {bomRef: `node/${purl}`, purl, licenses: licence(id)}),
    )
  }
  return new Models.Component(Platform, 'node', {
    bomRef: `pkg:generic/node@${version}`,
    version,
    purl: `pkg:generic/node@${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:-:*:*:*`,
    licenses: new Models.LicenseRepository([new Models.NamedLicense('Node.js')]),
    components: new Models.ComponentRepository(components),
  })
}

const licence = (expression) =>
  new Models.LicenseRepository([
    / (AND|OR) |^LicenseRef-/.test(expression)
      ? new Models.LicenseExpression(expression)
      : new Models.SpdxLicense(expression),
  ])
const digest = (algorithm, file) => createHash(algorithm).update(fs.readFileSync(file)).digest('hex')

/** One that only the content determines (RFC 9562, version 8). */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = ((parseInt(hex[16], 16) & 3) | 8).toString(16)
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

if (process.argv[1] === import.meta.filename) {
  const print = ['--print', 'JSON.stringify(process.versions)']
  const {node: version, ...rest} = JSON.parse(
    execFileSync(process.argv[2], print, {encoding: 'utf8', env: {}}),
  )
  const all = {...json(COMPONENTS), [version]: rest}
  fs.writeFileSync(path.join(root, COMPONENTS), `${JSON.stringify(all, null, 2)}\n`)
}
