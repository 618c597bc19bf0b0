// Makes a .deb of an executable of zt (docs/release.md). The same executable and sources give the same bytes.
import {execFile, execFileSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'
import zlib from 'node:zlib'
import {fill} from './fill.mjs'
import {executableLicences} from './licences.mjs'

const root = path.resolve(import.meta.dirname, '..')
const PACKAGE = 'zt-access'
/** By Debian's name of an architecture: what an ELF header says there. */
const MACHINES = {amd64: 62, arm64: 183}
const SHELLS = {
  bash: 'usr/share/bash-completion/completions/zt',
  zsh: 'usr/share/zsh/vendor-completions/_zt',
  fish: 'usr/share/fish/vendor_completions.d/zt.fish',
}

/**
 * @param {object} release
 * @param {string} release.executable its path
 * @param {'amd64' | 'arm64'} release.architecture of the executable
 * @param {string} release.into a directory
 * @param {string} release.version of zt
 * @param {Date} release.date of its sources: no file in the package has another time
 * @param {string} release.maintainer a name and an address
 * @param {string} release.homepage
 * @param {string} [release.compression] for dpkg-deb. xz takes a minute
 * @returns {Promise<string>} the path of the package
 * @throws if the executable is not one of that architecture, or dpkg-deb fails
 */
export async function makeDeb({
  executable,
  architecture,
  into,
  version,
  date,
  maintainer,
  homepage,
  compression = 'xz',
}) {
  const machine = machineOf(executable)
  if (machine !== MACHINES[architecture])
    throw new Error(`${executable} is not an executable for ${architecture}`)
  const deb = debianVersion(version)
  // GitHub would give a file whose name has `~` this name, which SHA256SUMS would not have.
  const file = path.join(path.resolve(into), `${PACKAGE}_${deb.replaceAll('~', '.')}_${architecture}.deb`)
  const tree = fs.mkdtempSync(path.join(into, 'deb-'))
  try {
    const common = {MAINTAINER: maintainer, VERSION: deb}
    const changelog = {...common, UPSTREAM: version, DATE: rfc2822(date)}
    const documents = `usr/share/doc/${PACKAGE}`
    const put = (name, content) => {
      fs.mkdirSync(path.dirname(path.join(tree, name)), {recursive: true})
      fs.writeFileSync(path.join(tree, name), content)
    }
    fs.mkdirSync(path.join(tree, 'usr/bin'), {recursive: true})
    fs.copyFileSync(executable, path.join(tree, 'usr/bin/zt'), fs.constants.COPYFILE_FICLONE)
    for (const page of fs.readdirSync(path.join(root, 'dist/man/man1')))
      put(`usr/share/man/man1/${page}.gz`, packed(read(`dist/man/man1/${page}`)))
    for (const [shell, name] of Object.entries(SHELLS)) put(name, completion(shell))
    put(`${documents}/changelog.Debian.gz`, packed(fill(read('packaging/debian/changelog'), changelog)))
    put(`${documents}/changelog.gz`, packed(read('CHANGELOG.md')))
    put(`${documents}/copyright`, copyright(homepage))
    put(`usr/share/lintian/overrides/${PACKAGE}`, read('packaging/debian/lintian-overrides'))
    const files = list(tree)
    put('DEBIAN/md5sums', files.map((name) => `${md5(path.join(tree, name))}  ${name}\n`).join(''))
    put(
      'DEBIAN/control',
      fill(read('packaging/debian/control'), {
        ...common,
        ARCHITECTURE: architecture,
        HOMEPAGE: homepage,
        INSTALLED_SIZE: String(installedSize(tree)),
      }),
    )
    tidy(tree, date)
    const how = ['--root-owner-group', `-Z${compression}`, ...fast(compression)]
    // Several threads give other bytes than one.
    const env = {
      PATH: process.env.PATH,
      SOURCE_DATE_EPOCH: String(date.getTime() / 1000),
      DPKG_DEB_THREADS_MAX: '1',
    }
    await promisify(execFile)('dpkg-deb', [...how, '--build', tree, file], {env})
    return file
  } finally {
    fs.rmSync(tree, {recursive: true, force: true})
  }
}

/** Without compression to speak of, where only the content counts. */
const fast = (compression) => (compression === 'gzip' ? ['-z1'] : [])

/**
 * The version of zt as Debian sorts it: a pre-release is before its release.
 *
 * @param {string} version `1.0.0-rc.1`
 * @returns {string} `1.0.0~rc.1-1`
 */
export const debianVersion = (version) => `${version.replace('-', '~')}-1`

function machineOf(file) {
  const head = Buffer.alloc(20)
  const descriptor = fs.openSync(file)
  fs.readSync(descriptor, head, 0, head.length, 0)
  fs.closeSync(descriptor)
  return head.subarray(0, 4).equals(Buffer.from('\x7fELF')) ? head.readUInt16LE(18) : undefined
}

/**
 * What Debian reads about the licences: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/. The paths are
 * those of the sources that the executable is made of, since it is one file.
 *
 * @param {string} homepage
 * @returns {string}
 */
export function copyright(homepage) {
  const paragraphs = executableLicences(root).map(({paths, licence, texts, copyrights, changes}) =>
    [
      field('Files', paths),
      field('Copyright', copyrights),
      ...(changes.length > 0 ? [field('Comment', changes)] : []),
      // Debian has this text once for all packages.
      `License: ${debianLicence(licence)}\n${indented(texts.replace(APACHE, APACHE_IN_DEBIAN))}`,
    ].join('\n'),
  )
  const head = [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: zt',
    `Source: ${homepage}`,
    'Comment: /usr/bin/zt is one file. The paths below are those of its parts in the sources.',
  ].join('\n')
  return `${[head, ...paragraphs].join('\n\n')}\n`
}

const debianLicence = (licence) => licence.replaceAll(/\bMIT\b/g, 'Expat').replaceAll(' AND ', ' and ')

const APACHE =
  /^[ \t]*Apache License\n\s*Version 2\.0, January 2004\n[\s\S]*?^[ \t]*END OF TERMS AND CONDITIONS$/gm
const APACHE_IN_DEBIAN = 'Apache License, Version 2.0: the text is in /usr/share/common-licenses/Apache-2.0.'

/** Each on a line of its own. */
const field = (name, lines) =>
  `${name}:${lines.length === 1 ? ` ${lines[0]}` : `\n${indented(lines.join('\n'))}`}`
const indented = (text) => text.replaceAll(/^.*$/gm, (line) => (line.trim() === '' ? ' .' : ` ${line}`))

/** In the words of the zt that was built, as on any machine. */
function completion(shell) {
  const env = {PATH: process.env.PATH, HOME: os.tmpdir(), ZT_CODE_CACHE: 'off'}
  return execFileSync(process.execPath, [path.join(root, 'bin/zt.cjs'), 'completion', shell], {env})
}

/** As `date -R` in UTC. */
const rfc2822 = (date) => date.toUTCString().replace('GMT', '+0000')
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8')
const packed = (text) => zlib.gzipSync(text, {level: 9})
const md5 = (file) => createHash('md5').update(fs.readFileSync(file)).digest('hex')

function list(tree) {
  return fs
    .readdirSync(tree, {recursive: true, withFileTypes: true})
    .filter((one) => one.isFile())
    .map((one) => path.relative(tree, path.join(one.parentPath, one.name)))
    .sort()
}

/** In KiB, as Debian's policy (5.6.20) counts: each file rounded up, one for each directory. */
function installedSize(tree) {
  return fs
    .readdirSync(tree, {recursive: true, withFileTypes: true})
    .map((one) => ({one, at: path.join(one.parentPath, one.name)}))
    .filter(({at}) => !path.relative(tree, at).startsWith('DEBIAN'))
    .reduce((sum, {one, at}) => sum + (one.isFile() ? Math.ceil(fs.statSync(at).size / 1024) : 1), 0)
}

/** The same modes and times, whatever the umask and the clock were. */
function tidy(tree, date) {
  const names = fs.readdirSync(tree, {recursive: true})
  for (const at of ['', ...names].map((name) => path.join(tree, name))) {
    fs.chmodSync(at, fs.statSync(at).isDirectory() || at.endsWith('/usr/bin/zt') ? 0o755 : 0o644)
    fs.utimesSync(at, date, date)
  }
}
