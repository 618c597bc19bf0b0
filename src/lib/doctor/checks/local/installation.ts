import path from 'node:path'
import {filesSync as fs} from '../../../system/disk.js'
import {SCRIPTS, SHELLS, type Shell} from '../../../completion/scripts.js'
import {quoteForPerson} from '../../../core/quote.js'
import {VERSION} from '../../../core/version.js'
import {writeFileAtomic} from '../../../system/files.js'
import {readForeignFile} from '../../../system/own-files.js'
import {homeDirectory, isFullPath, searchDirectories, variableOf} from '../../../system/platform.js'
import {findProgram} from '../../../system/programs.js'
import {isExecutable} from '../../../system/zt-program.js'
import {checkOf} from '../../finding.js'
import type {Check, DoctorWorld, Finding} from '../../types.js'
import {listing} from '../../../core/shell-words.js'

/** What npm unpacks, each with the version of the build that made it. */
const PARTS = ['package.json', 'oclif.manifest.json', 'dist/build.json'] as const

const installation = checkOf(
  {id: 'installation', area: 'zt', title: 'zt', doing: 'Looking at the installation', local: true},
  ({root}, says) => {
    if (isExecutable()) return [says.ok(`${VERSION}, one file`)]
    const versions = PARTS.map((part) => [part, versionIn(path.join(root, part))] as const)
    const next = ['Install zt again: https://docs.npmjs.com/cli/commands/npm-install']
    const missing = versions.filter(([, version]) => version === undefined).map(([part]) => part)
    // A checkout that is not built runs its sources.
    const isCheckout = fs.existsSync(path.join(root, 'src'))
    if (missing.length > 0 && !isCheckout)
      return [says.fail(`the installation in ${root} lacks ${missing.join(', ')}`, {next})]
    const other = versions.filter(([, version]) => version !== undefined && version !== VERSION)
    if (other.length === 0) return [says.ok(`${VERSION}, in ${root}`)]
    const parts = other.map(([part, version]) => `${part} is of ${version ?? ''}`).join(', ')
    return [
      says.fail(`the parts of the installation in ${root} are of different versions`, {
        why: `${parts}; the code that runs is of ${VERSION}.`,
        next: isCheckout ? ['npm run build'] : next,
      }),
    ]
  },
)

function versionIn(file: string): string | undefined {
  try {
    const {version} = JSON.parse(readForeignFile(file)?.toString('utf8') ?? '') as {version?: unknown}
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

const onPath = checkOf(
  {id: 'path', area: 'zt', title: 'PATH', doing: 'Looking for zt on PATH', local: true},
  ({env, root}, says) => {
    const places = searchDirectories(variableOf(env, 'PATH')).flatMap((directory) => {
      const file = findProgram('zt', {...env, PATH: directory}) ?? batchFile(directory)
      return file === undefined ? [] : [{file, real: fs.realpathSync(file)}]
    })
    const [first] = places
    if (!first)
      return [
        says.warn('there is no zt on PATH', {
          why: 'Commands that zt suggests, scripts and the completion of a shell start it by its name.',
          next: [toPath(root)],
        }),
      ]
    const others = places.filter(({real}) => real !== first.real).map(({file}) => file)
    if (others.length > 0)
      return [
        says.warn(`there are ${others.length + 1} different zt on PATH`, {
          at: 'several',
          why: `${first.file} comes first; also: ${others.join(', ')}.`,
          next: ['Remove the one that you do not use', ...[first.file, ...others].map((one) => listing(one))],
        }),
      ]
    const own = isExecutable() ? process.execPath : path.join(root, 'bin', 'zt.cjs')
    // A script or a batch file may start this one: only another package is known to be another zt.
    const isOther = path.basename(first.real) === 'zt.cjs' && first.real !== realPath(own)
    if (!isOther) return [says.ok(first.file)]
    return [
      says.warn(`the zt on PATH is another one than this: ${first.file}`, {
        at: 'another',
        why: `It leads to ${first.real}, and this one is ${own}.`,
        next: [listing(first.file)],
      }),
    ]
  },
)

/** npm links what it has installed in lib/node_modules from bin (npm-folders(5)), and on Windows from beside node_modules. */
function toPath(root: string): string {
  const above = path.dirname(root)
  const isInstalled = path.basename(above) === 'node_modules'
  if (!isExecutable() && !isInstalled) return `npm install --global ${quoteForPerson(root)}`
  const prefix = process.platform === 'win32' ? path.join(above, '..') : path.join(above, '../../bin')
  return `Add ${isExecutable() ? path.dirname(process.execPath) : prefix} to PATH`
}

/** npm's start script on Windows. */
function batchFile(directory: string): string | undefined {
  const file = path.join(directory, 'zt.cmd')
  return process.platform === 'win32' && fs.existsSync(file) ? file : undefined
}

function realPath(file: string): string | undefined {
  try {
    return fs.realpathSync(file)
  } catch {
    return undefined
  }
}

/** The first line of each script, by which zt knows a file as its own. */
const OWN_LINE: Record<Shell, RegExp> = {
  bash: /^# bash completion for zt$/m,
  zsh: /^#compdef zt$/m,
  fish: /^# fish completion for zt$/m,
}

/** A shell that evaluates the script at its start (`source <(zt completion bash)`) always has the current one. */
const completion = checkOf(
  {id: 'completion', area: 'zt', title: 'Completion', doing: 'Looking for completion scripts', local: true},
  (world, says) => {
    const files = SHELLS.flatMap((shell) => {
      const file = scriptFile(shell, world)
      const text = textOf(file)
      return text !== undefined && OWN_LINE[shell].test(text) ? [{shell, file, text}] : []
    })
    const found: Finding[] = files
      .filter(({shell, text}) => text.trimEnd() !== SCRIPTS[shell].trimEnd())
      .map(({shell, file}) =>
        says.warn(`${file} is of another version of zt`, {
          at: shell,
          next: [`zt completion ${shell} > ${quoteForPerson(file)}`],
          fix: {
            what: `Write the completion script for ${shell} to ${file} again`,
            apply: () => writeFileAtomic(file, `${SCRIPTS[shell].trimEnd()}\n`, 0o644),
          },
        }),
      )
    if (found.length > 0) return found
    const set = files.map(({shell}) => shell)
    return [
      says.ok(set.length > 0 ? set.join(', ') : 'no script of a shell is installed (zt completion says how)'),
    ]
  },
)

/** Where `zt completion` says to put it. */
function scriptFile(shell: Shell, {env}: DoctorWorld): string {
  const base = (name: string, ...parts: string[]): string => {
    const value = env[name] ?? ''
    return isFullPath(value) ? value : path.join(homeDirectory(), ...parts)
  }
  if (shell === 'zsh') return path.join(homeDirectory(), '.zsh', 'completions', '_zt')
  return shell === 'bash'
    ? path.join(base('XDG_DATA_HOME', '.local', 'share'), 'bash-completion', 'completions', 'zt')
    : path.join(base('XDG_CONFIG_HOME', '.config'), 'fish', 'completions', 'zt.fish')
}

function textOf(file: string): string | undefined {
  try {
    return readForeignFile(file, {maxBytes: 256 * 1024})?.toString('utf8')
  } catch {
    return undefined
  }
}

export const installationChecks: readonly Check[] = [installation, onPath, completion]
